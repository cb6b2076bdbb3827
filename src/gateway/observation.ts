// What the gateway can see of the pod, one thing at a time: the input of the state machine.
import type { DeviceClass } from '../api/hardware.ts';

/** What the runtime has to serve: known once the pull, the pin or the lock says it. */
export interface Target {
  /** As the runtime knows it: an Ollama reference or a Foundry Local variant id. */
  readonly name: string;
  /** Of the manifest that is served, sha256:…; absent where the runtime has no digests. */
  readonly digest?: string;
}

/** A model that the runtime lists as loaded. */
export interface LoadedModel {
  readonly name: string;
  /** sha256:… */
  readonly digest?: string;
  readonly sizeBytes?: number;
  /** Of these, bytes on the accelerator. */
  readonly deviceBytes?: number;
  readonly contextLength?: number;
  /** Class of device on which all of it sits, where the runtime counts no bytes. */
  readonly device?: DeviceClass;
  /** Such as CUDAExecutionProvider. */
  readonly executionProvider?: string;
}

/** Something that has to be there before anybody is served, and is not. */
export interface Problem {
  readonly reason: 'SecretMissing';
  /** Names the Secret, and what to do. */
  readonly message: string;
}

/** `Refused`: nobody listens. `Silent`: connected, and no answer in time. */
export type RuntimeAnswer = 'Up' | 'Refused' | 'Silent';

/** `Wrong`: answered, with no text or without what was expected. `Silent`: no answer in time. `Failed`: any other failure. */
export type CanaryOutcome = 'Passed' | 'Wrong' | 'Failed' | 'Silent';

/**
 * `Succeeded`: the runtime has answered. `Progress`: tokens are arriving. `Failed`: the runtime's fault (5xx, broken
 * connection, no answer in time). What a client did wrong, or gave up, is no observation at all.
 */
export type RequestOutcome = 'Succeeded' | 'Progress' | 'Failed';

export interface CanarySeen {
  readonly kind: 'Canary';
  readonly outcome: CanaryOutcome;
  readonly seconds: number;
  readonly message?: string;
  /** Requests of clients were at the runtime too. */
  readonly beside?: boolean;
}

export type Observation =
  /** Time has passed, and nothing else. */
  | { readonly kind: 'Tick' }
  /** All problems there are now; none when empty. */
  | { readonly kind: 'Problems'; readonly problems: readonly Problem[] }
  | { readonly kind: 'Pull'; readonly done: boolean; readonly message?: string }
  | { readonly kind: 'Target'; readonly target: Target }
  /** `instance` tells processes apart where the runtime says it (a pid). */
  | { readonly kind: 'Runtime'; readonly answer: RuntimeAnswer; readonly instance?: string }
  | { readonly kind: 'Models'; readonly loaded: readonly LoadedModel[] }
  | { readonly kind: 'LoadBegan' }
  | { readonly kind: 'LoadEnded' }
  /** `message`: the runtime's own words. */
  | { readonly kind: 'LoadFailed'; readonly message: string }
  /** `startedAt`: monotonic milliseconds at which the request began. */
  | { readonly kind: 'Request'; readonly outcome: RequestOutcome; readonly startedAt: number }
  | CanarySeen
  | { readonly kind: 'Drain' };
