// Where a model pod stands, and why: every reason that the gateway can give, with the phase that it belongs to.

export type Phase = 'Starting' | 'RuntimeUp' | 'Loading' | 'Serving' | 'Degraded' | 'Draining';

interface ReasonMeaning {
  /** Where the pod stands. What is Starting at first is Degraded once the model has been served. */
  readonly phase: Phase;
  readonly meaning: string;
}

export const reasons = {
  SecretMissing: { phase: 'Starting', meaning: 'the Secret with API keys or certificate is missing or unusable' },
  Pulling: { phase: 'Starting', meaning: 'the model is being fetched or verified' },
  RuntimeDown: { phase: 'Starting', meaning: 'nothing listens on the port of the runtime' },
  RuntimeHung: { phase: 'Degraded', meaning: 'the runtime listens and does not answer' },
  TargetUnknown: { phase: 'RuntimeUp', meaning: 'the runtime answers; what it has to serve is not known yet' },
  NotLoaded: { phase: 'RuntimeUp', meaning: 'the runtime answers; the model has not been loaded yet' },
  Loading: { phase: 'Loading', meaning: 'the runtime is loading the model' },
  ModelLost: { phase: 'Loading', meaning: 'the runtime has unloaded the model; it is being loaded again' },
  LoadFailed: { phase: 'Loading', meaning: 'the runtime could not load the model; it is tried again' },
  WrongModel: { phase: 'Degraded', meaning: 'the runtime has loaded something else than the declared model' },
  NotOnDevice: { phase: 'Degraded', meaning: 'the model sits on the CPU, and its device is required' },
  PartlyOnCPU: { phase: 'Degraded', meaning: 'part of the model sits on the CPU, and its device is required' },
  Failing: { phase: 'Degraded', meaning: 'requests fail on the side of the runtime, one after another' },
  CanaryFailed: { phase: 'Degraded', meaning: 'the runtime does not answer the canary' },
  CanaryWrong: { phase: 'Degraded', meaning: 'the runtime answers the canary with nothing, or with something else' },
  Serving: { phase: 'Serving', meaning: 'the declared model answers' },
  Draining: { phase: 'Draining', meaning: 'the pod is being stopped; running requests go on' },
} as const satisfies Record<string, ReasonMeaning>;

export type GatewayReason = keyof typeof reasons;

/** @param served whether the model has been served before, in the life of this gateway */
export function phaseOf(reason: GatewayReason, served: boolean): Phase {
  const { phase } = reasons[reason];
  return phase === 'Starting' && served ? 'Degraded' : phase;
}
