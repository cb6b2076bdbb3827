// What the gateway of a pod is told, worked out from the deployment's settings and the hardware decision.

import { DRAIN_SECONDS, RESERVED_PORTS } from '../api/schema.ts';
import type { GatewayConfig } from '../gateway/config.ts';
import { unitsOf } from '../kube/quantity.ts';
import { modelOf } from '../runtimes/rung.ts';
import { paths } from '../runtimes/runtime.ts';
import type { PodInput } from './input.ts';

/** File in the lock mount that belongs to one revision: pods of an older revision must not follow the newer lock. */
export const lockFileOf = (revision: string) => `${revision}.json`;

function servedModelOf({ settings, rung }: PodInput): GatewayConfig['model'] {
  const { name, digest } = modelOf(settings, rung);
  return {
    reference: name,
    ...(digest && { digest }),
    servedNames: settings.model.servedNames,
    maxContext: settings.performance.maxContext,
  };
}

function limitsOf({ api: { limits } }: PodInput['settings']): GatewayConfig['limits'] {
  // Beyond 8 PiB a double no longer counts every byte, and zod no longer takes it for a whole number.
  return { ...limits, maxBodyBytes: Math.min(unitsOf(limits.maxBodyBytes), Number.MAX_SAFE_INTEGER) };
}

function canaryOf({ canary: { enabled, ...canary } }: PodInput['settings']): Pick<GatewayConfig, 'canary'> {
  return enabled ? { canary } : {};
}

export function gatewayConfigOf(input: PodInput): GatewayConfig {
  const { name, namespace, settings, runtime, choice, revision } = input;
  const { port, protocols, authSecret, tlsSecret, audit } = settings.api;
  return {
    deployment: { namespace, name },
    revision,
    port,
    adminPort: RESERVED_PORTS.admin,
    runtime: {
      kind: settings.runtime,
      port: runtime.port,
      ...(runtime.reportFile !== undefined && { reportFile: runtime.reportFile }),
    },
    model: servedModelOf(input),
    protocols,
    limits: limitsOf(settings),
    ...(authSecret && { auth: { secretName: authSecret, directory: paths.apiKeys } }),
    ...(tlsSecret && { tls: { secretName: tlsSecret, directory: paths.tls } }),
    audit,
    ...canaryOf(settings),
    residency: { class: choice.class, required: choice.class !== 'CPU' && settings.residency === 'Required' },
    loadTimeoutSeconds: settings.performance.loadTimeoutSeconds,
    lameDuckSeconds: DRAIN_SECONDS.lameDuck,
    progressFile: `${paths.shared}/progress.json`,
    lockFile: `${paths.lock}/${lockFileOf(revision)}`,
    drainSocket: `${paths.shared}/drain.sock`,
  };
}
