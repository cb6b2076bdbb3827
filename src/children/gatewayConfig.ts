// What the gateway of a pod is told, worked out from the deployment's settings and the hardware decision.
import { DRAIN_SECONDS, RESERVED_PORTS } from '../api/schema.ts';
import type { GatewayConfig } from '../gateway/config.ts';
import { amountOf } from '../placement/quantity.ts';
import { paths } from '../runtimes/runtime.ts';
import type { PodInput } from './input.ts';

/** File in the lock mount that belongs to one revision: pods of an older revision must not follow the newer lock. */
export const lockFileOf = (revision: string) => `${revision}.json`;

function modelOf({ settings: { model, performance }, rung }: PodInput): GatewayConfig['model'] {
  // A rung that names another model brings its own digest, or none: the pin of the first would refuse it.
  const digest = rung.model?.name ? rung.model.digest : (rung.model?.digest ?? model.digest);
  return {
    reference: rung.model?.name ?? model.name,
    ...(digest && { digest }),
    servedNames: model.servedNames,
    maxContext: performance.maxContext,
  };
}

function limitsOf({ api: { limits } }: PodInput['settings']): GatewayConfig['limits'] {
  // The schema lets only sizes through; a double counts bytes exactly up to 8 PiB.
  const bytes = Math.ceil(amountOf(limits.maxBodyBytes) ?? 0);
  return { ...limits, maxBodyBytes: Math.min(bytes, Number.MAX_SAFE_INTEGER) };
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
    runtime: { kind: settings.runtime, port: runtime.port },
    model: modelOf(input),
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
