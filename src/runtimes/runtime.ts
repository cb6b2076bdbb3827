// All that differs between the runtimes in what the operator makes. A new runtime is one more file that fills this in, and one
// more client in the gateway.
import type { OperatorDefaults, Settings } from '../api/defaults.ts';
import type { DeviceClass, Rung } from '../api/hardware.ts';
import type { Problem } from '../api/types.ts';
import type { EnvVar } from '../children/pod.ts';
import type { Choice } from '../placement/decision.ts';
import type { RejectionReason } from '../placement/rejections.ts';

export interface RuntimeInput {
  settings: Settings;
  rung: Rung;
  choice: Choice;
  defaults: OperatorDefaults;
  /** Names the lock, and the records of the pull in the store. */
  revision: string;
}

/** A device class that a runtime has a program for. */
export interface Backend {
  readonly class: DeviceClass;
  readonly vendor?: string;
  /** kubernetes.io/arch of the image that has it; absent: of every architecture that is released. */
  readonly arch?: string;
}

/** Why a runtime cannot use a class of device. */
export interface Lack {
  readonly reason: Extract<RejectionReason, 'NoBackend' | 'NoLinuxExecutionProvider'>;
  /** What it lacks; the cure is said after it. */
  readonly message: string;
}

/** The part of a container that a runtime decides; the pod builder adds mounts, probes and security. */
export interface ContainerParts {
  image: string;
  /** Absent: the image's own entry point. */
  command?: string[];
  args: string[];
  env: EnvVar[];
}

export interface Runtime {
  readonly name: Settings['runtime'];
  /** For messages. */
  readonly title: string;
  /** Name of the main container. */
  readonly container: string;
  /** Port on 127.0.0.1. */
  readonly port: number;
  /** What it can run on under Linux with the images of this release. */
  readonly backends: readonly Backend[];
  /** What to say of a class that it has no backend for at all. */
  readonly lacks: Partial<Record<DeviceClass, Lack>>;
  /** Its pull chooses among variants by the devices that it sees, so it gets the rung's devices too; default false. */
  readonly pullSeesDevices?: boolean;
  /** File in which its server says what the model runs on, for the gateway; absent: it has a route for that, or none. */
  readonly reportFile?: string;
  /** Variables that the operator sets itself, or that would break the pod: refused in spec.pod.env and in rungs, by name. */
  readonly reservedEnv: readonly string[];
  /** Problems of the spec that only this runtime knows of. */
  check(settings: Settings): Problem[];
  image(input: RuntimeInput): string;
  /** What the server probably needs, as a quantity: asked for where the spec says nothing of memory. undefined: it cannot be told. */
  memoryRequest?(settings: Settings, rung: Rung): string | undefined;
  /** The server. */
  main(input: RuntimeInput): ContainerParts;
  /** Fetch and verify the model. */
  pull(input: RuntimeInput): ContainerParts;
}

/** Where things are mounted; one table for both runtimes, the gateway and the pull. */
export const paths = {
  /** The model store. Read-only for the runtime where it can be. */
  models: '/models',
  /** A read-only image or volume that the model comes from. */
  source: '/source',
  /** HOME of the runtime: keys and caches that it insists on writing. */
  home: '/home/model',
  tmp: '/tmp',
  /** Written by the runtime for the gateway, and apart from what the gateway believes of others. */
  report: '/run/local-runtime',
  /** Shared between pull and gateway: progress.json. */
  shared: '/run/local-model',
  apiKeys: '/etc/local-model/api-keys',
  tls: '/etc/local-model/tls',
  lock: '/etc/local-model/lock',
  registryCredentials: '/etc/local-model/registry/credentials',
  registryIdentity: '/etc/local-model/registry/identity',
  registryCa: '/etc/local-model/registry/ca',
} as const;
