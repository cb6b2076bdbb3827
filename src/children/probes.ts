// How often the kubelet asks, and how often it must be told no. The gateway has hysteresis of its own and answers for both
// containers, so the kubelet's thresholds only bridge what keeps the two from talking.
import { RESERVED_PORTS } from '../api/schema.ts';
import type { HttpProbe } from './pod.ts';

/** By number: a container's probe does not find a port by name that another container declares. */
const onAdmin = (path: string) => ({ httpGet: { path, port: RESERVED_PORTS.admin } });

/** Two misses, so that a node that is busy for a moment takes no endpoint away. */
const readiness = { periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 2 } as const;

/** The pull waits for this one, so it asks every second. */
const gatewayStart = { periodSeconds: 1, timeoutSeconds: 3, failureThreshold: 120 } as const;

const gatewayLiveness = { periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 } as const;

/**
 * Six minutes: more than the five that the kubelet waits at most before it starts a crashed container again, so that a
 * gateway that comes and goes never costs a loaded model.
 */
const runtimeLiveness = { periodSeconds: 30, timeoutSeconds: 5, failureThreshold: 12 } as const;

/** Ollama looks for GPUs for up to two minutes before it answers at all. */
const DISCOVERY_SECONDS = 120;
const START_PERIOD_SECONDS = 2;

export interface Probes {
  startupProbe: HttpProbe;
  readinessProbe: HttpProbe;
  livenessProbe: HttpProbe;
}

/** Of the gateway itself. */
export const gatewayProbes: Probes = {
  startupProbe: { ...onAdmin('/startupz'), ...gatewayStart },
  readinessProbe: { ...onAdmin('/readyz'), ...readiness },
  livenessProbe: { ...onAdmin('/livez'), ...gatewayLiveness },
};

/**
 * Of the runtime, by what the gateway knows of it. Starting may take as long as discovery and loading together, since a
 * runtime may load before it listens.
 */
export function runtimeProbes(loadTimeoutSeconds: number): Probes {
  return {
    startupProbe: {
      ...onAdmin('/runtime/startupz'),
      periodSeconds: START_PERIOD_SECONDS,
      timeoutSeconds: 3,
      failureThreshold: Math.ceil((DISCOVERY_SECONDS + loadTimeoutSeconds) / START_PERIOD_SECONDS),
    },
    readinessProbe: { ...onAdmin('/runtime/readyz'), ...readiness },
    livenessProbe: { ...onAdmin('/runtime/livez'), ...runtimeLiveness },
  };
}

/** Returns once requests have drained, or at once where no drain was asked for (docs/gateway.md, Stopping). */
export const waitForDrain = onAdmin('/drained');
