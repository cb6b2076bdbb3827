// What this gateway answers under /status: the state of its pod, told in the words of the contract.
import type { GatewayConfig } from './config.ts';
import { residencyOf, servedModel } from './fitness.ts';
import type { State } from './state.ts';
import type { GatewayStatus, PullStatus } from './status.ts';

/** What the state machine does not know, gathered by those who do. */
export interface StatusInput {
  config: GatewayConfig;
  state: State;
  version: string;
  /** Both now, so that monotonic times can be told as times of the day. */
  monotonicNow: number;
  wallNow: number;
  pull?: PullStatus;
  /** From the pull's outcome. */
  source?: { digest?: string; sizeBytes?: number; quantization?: string; family?: string; contextLength?: number };
  runtimeVersion?: string;
  requests: { inFlight: number; queued: number; total: number; lastAt?: number };
}

/** Absent members stay absent in JSON. */
const defined = <T extends object>(members: T): T =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as T;

type Timestamp = (monotonic: number | undefined) => string | undefined;

function modelOf({ config, state, source }: StatusInput): GatewayStatus['model'] {
  const { reference, servedNames } = config.model;
  const { target, load } = state.facts;
  const served = servedModel(state.facts);
  const shown = served ?? state.facts.loaded?.[0];
  return defined({
    reference,
    servedNames,
    runtimeName: target?.name,
    sourceDigest: source?.digest,
    servedDigest: target?.digest,
    loadedName: shown?.name,
    loadedDigest: shown?.digest,
    sizeBytes: source?.sizeBytes ?? served?.sizeBytes,
    quantization: source?.quantization,
    family: source?.family,
    contextLength: served?.contextLength ?? source?.contextLength,
    loadSeconds: load.seconds,
  });
}

function requestsOf({ config, state, requests }: StatusInput, timestamp: Timestamp): GatewayStatus['requests'] {
  const { maxInFlight, maxQueue } = config.limits;
  const { inFlight, queued, total, lastAt } = requests;
  const lastSuccessAt = timestamp(state.facts.requests.lastSuccessAt);
  return defined({ inFlight, queued, maxInFlight, maxQueue, total, lastAt: timestamp(lastAt), lastSuccessAt });
}

function canaryOf({ config, state }: StatusInput, timestamp: Timestamp): GatewayStatus['canary'] {
  const { outcome, at, seconds, failuresInARow } = state.facts.canary;
  return defined({ enabled: config.canary !== undefined, outcome, at: timestamp(at), seconds, failuresInARow });
}

/** The document, ready for JSON. */
export function statusOf(input: StatusInput): GatewayStatus {
  const { config, state, version, monotonicNow, wallNow, pull, runtimeVersion } = input;
  const { facts, phase, reason, message } = state;
  const timestamp: Timestamp = (monotonic) =>
    monotonic === undefined ? undefined : new Date(wallNow - monotonicNow + monotonic).toISOString();
  return defined({
    schema: 1,
    version,
    deployment: config.deployment,
    revision: config.revision,
    phase,
    reason,
    message,
    since: timestamp(state.since),
    ready: phase === 'Serving',
    model: modelOf(input),
    residency: defined({ ...config.residency, ratio: residencyOf(facts, config.residency) }),
    pull,
    requests: requestsOf(input, timestamp),
    canary: canaryOf(input, timestamp),
    runtime: defined({
      kind: config.runtime.kind,
      up: facts.runtime.answer === 'Up',
      version: runtimeVersion,
      restarts: facts.runtime.restarts,
      executionProvider: servedModel(facts)?.executionProvider,
    }),
  });
}
