// Whether the pod can serve the declared model now: named checks in order, of which the first that objects gives the reason.
import type { Facts } from './facts.ts';
import type { LoadedModel, Target } from './observation.ts';
import type { GatewayReason } from './reasons.ts';

export interface Rules {
  /** As in the gateway's configuration. */
  readonly residency: { readonly class: 'CPU' | 'GPU' | 'NPU'; readonly required: boolean };
  readonly loadTimeoutMs: number;
  /** How long it still accepts after the drain began. */
  readonly lameDuckMs: number;
  /** Absent: no canary. */
  readonly canaryIntervalMs?: number;
}

export interface Finding {
  readonly reason: GatewayReason;
  /** For people: what, where, and what to do where they can. */
  readonly message: string;
}

/** Unanswered probes in a row before a runtime counts as hung: one may be lost to a busy moment. */
const SILENT_LIMIT = 3;
/** Failed requests in a row: one or two may be the request's own fault. */
export const FAILURE_LIMIT = 3;
/** So long, counted from the first of them, a canary may show that it was the requests and not the runtime. */
const DOUBT_MS = 3000;
export const CANARY_LIMIT = 2;
/** Without a canary nobody can prove that it works again, so after this time it is tried out with real requests. */
const TRIAL_AFTER_MS = 30_000;

type Check = (facts: Facts, rules: Rules, now: number) => Finding | undefined;

const found = (reason: GatewayReason, message: string): Finding => ({ reason, message });

const secretsAreThere: Check = ({ problems: [first] }) => first && found(first.reason, first.message);

const runtimeAnswers: Check = ({ runtime, pull }) => {
  if (runtime.answer === 'Up') return undefined;
  if (runtime.answer === 'Silent' && runtime.everUp) {
    const { silentInARow } = runtime;
    return silentInARow < SILENT_LIMIT
      ? undefined
      : found('RuntimeHung', `the runtime has not answered ${silentInARow} probes in a row`);
  }
  if (!runtime.everUp && !pull.done)
    return found('Pulling', pull.message ?? 'the model is being fetched or verified; the runtime starts after that');
  return found(
    'RuntimeDown',
    runtime.everUp ? 'the runtime has stopped; it is waited for' : 'the runtime does not answer yet',
  );
};

const targetIsKnown: Check = ({ target }) =>
  target ? undefined : found('TargetUnknown', 'what the pull has settled on is not known yet');

const modelIsLoaded: Check = ({ load, target }, { loadTimeoutMs }) => {
  const name = target?.name ?? '';
  switch (load.phase) {
    case 'None':
      return found('NotLoaded', `${name} is to be loaded`);
    case 'Running':
      return load.again
        ? found('ModelLost', `the runtime had unloaded ${name}; it is being loaded again`)
        : found('Loading', `${name} is being loaded; it may take ${loadTimeoutMs / 1000} s`);
    case 'Failed':
      return found('LoadFailed', `the runtime cannot load ${name}: ${load.message ?? 'it gave no reason'}`);
    case 'Done':
      return undefined;
  }
};

/** The digest decides where there is one: a name can be given to anything. */
const isTarget = ({ name, digest }: LoadedModel, target: Target): boolean =>
  target.digest !== undefined && digest !== undefined ? digest === target.digest : name === target.name;

/** The declared model among those that the runtime lists as loaded. */
export const servedModel = ({ loaded, target }: Facts): LoadedModel | undefined =>
  target && loaded?.find((model) => isTarget(model, target));

const MAX_NAMED = 3;
const described = ({ name, digest }: { name: string; digest?: string }) => (digest ? `${name} (${digest})` : name);

const modelIsTheDeclaredOne: Check = (facts) => {
  const { loaded, target } = facts;
  if (!target || servedModel(facts)) return undefined;
  const wanted = described(target);
  if (!loaded) return found('Loading', `${wanted} was loaded; the runtime has not listed it yet`);
  if (loaded.length === 0) return found('ModelLost', `the runtime has unloaded ${wanted}`);
  const others = loaded.slice(0, MAX_NAMED).map(described).join(', ');
  return found('WrongModel', `the runtime has loaded ${others} and not ${wanted}`);
};

/**
 * How much of the model sits on the accelerator, 0 to 1; undefined before it was loaded, or where the runtime does not say.
 * While Ollama loads it reports the size of the file as if it were on the device (llm/llama_server.go, MemorySize).
 */
export function residencyOf(facts: Facts, residency: Pick<Rules['residency'], 'class'>): number | undefined {
  const { sizeBytes, deviceBytes, device } = servedModel(facts) ?? {};
  if (facts.load.phase !== 'Done') return undefined;
  if (device !== undefined) return device !== 'CPU' && device === residency.class ? 1 : 0;
  if (!sizeBytes || deviceBytes === undefined) return undefined;
  return Math.min(1, Math.max(0, deviceBytes / sizeBytes));
}

const modelIsOnItsDevice: Check = (facts, { residency }) => {
  const ratio = residencyOf(facts, residency);
  if (!residency.required || ratio === undefined || ratio >= 1) return undefined;
  if (ratio === 0)
    return found('NotOnDevice', `the model sits on the CPU: the runtime did not find or use the ${residency.class}`);
  const percent = Math.min(99, Math.floor(ratio * 100));
  return found('PartlyOnCPU', `${percent} % of the model is on the ${residency.class}, the rest on the CPU`);
};

/** Whoever sends again and again what the runtime answers with 500, a bad image for example, must not take the pod from all others. */
const mayBeTheirOwnFault: (...seen: Parameters<Check>) => boolean = ({ requests, canary }, { canaryIntervalMs }, now) =>
  canaryIntervalMs !== undefined && canary.failuresInARow === 0 && now - (requests.failingSince ?? 0) < DOUBT_MS;

const requestsSucceed: Check = (facts, rules, now) => {
  const { failuresInARow, lastFailureAt = 0 } = facts.requests;
  if (failuresInARow < FAILURE_LIMIT || now - lastFailureAt >= TRIAL_AFTER_MS) return undefined;
  if (mayBeTheirOwnFault(facts, rules, now)) return undefined;
  return found('Failing', `${failuresInARow} requests in a row have failed on the side of the runtime`);
};

const canaryPasses: Check = ({ canary: { failuresInARow, outcome, message } }) => {
  if (failuresInARow < CANARY_LIMIT) return undefined;
  return outcome === 'Wrong'
    ? found('CanaryWrong', message ?? 'the canary was answered with nothing, or with something else than expected')
    : found('CanaryFailed', message ?? 'the canary was not answered');
};

export const checks: readonly Check[] = [
  secretsAreThere,
  runtimeAnswers,
  targetIsKnown,
  modelIsLoaded,
  modelIsTheDeclaredOne,
  modelIsOnItsDevice,
  requestsSucceed,
  canaryPasses,
];

/**
 * Serving, or the first reason not to be. A drain does not count here.
 * @param now monotonic milliseconds
 */
export function fitnessOf(facts: Facts, rules: Rules, now: number): Finding {
  for (const check of checks) {
    const finding = check(facts, rules, now);
    if (finding) return finding;
  }
  return found('Serving', `${facts.target?.name ?? 'the model'} answers`);
}
