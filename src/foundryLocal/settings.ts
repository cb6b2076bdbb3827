// What the process is told by its environment: the FL_* variables of src/runtimes/foundryVariables.ts, checked once.
import { join } from 'node:path';
import type { FoundryVariable } from '../runtimes/foundryVariables.ts';
import { isProvider, type Provider, providers } from './providers.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A variable that cannot be used; the message names it. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

export interface CommonSettings {
  /** Where state goes that lives and dies with the pod. */
  readonly home: string;
  readonly store: string;
  /** Folder with the addon and the libraries. */
  readonly libraries: string;
  /** Absent: an image of somebody's own knows what it has. */
  readonly provider: Provider | undefined;
  /** Never ask the catalog. */
  readonly offline: boolean;
}

export interface ServeSettings extends CommonSettings {
  /** Alias or variant id. */
  readonly model: string;
  readonly port: number;
  /** Tokens; absent: what the model was trained for. */
  readonly maxContext: number | undefined;
  /** Absent: the runtime decides. */
  readonly threads: number | undefined;
  readonly loadTimeoutMs: number;
  /** Where to say what the model runs on; absent: nobody asks. */
  readonly reportFile: string | undefined;
}

const DEFAULT_LOAD_TIMEOUT_SECONDS = 600;
const DEFAULT_PORT = 5273;

const value = (env: Environment, name: FoundryVariable | 'HOME'): string | undefined => env[name] || undefined;

function needed(env: Environment, name: FoundryVariable | 'HOME'): string {
  const text = value(env, name);
  if (text === undefined) throw new SettingsError(`${name} is not set`);
  return text;
}

function wholeNumber(env: Environment, name: FoundryVariable, max = 2 ** 31): number | undefined {
  const text = value(env, name);
  if (text === undefined) return undefined;
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < 1 || number > max)
    throw new SettingsError(
      `${name} must be a whole number from 1 to ${max}, not ${JSON.stringify(text.slice(0, 40))}`,
    );
  return number;
}

function providerOf(env: Environment): Provider | undefined {
  const name = value(env, 'FL_EP');
  if (name === undefined) return undefined;
  if (!isProvider(name))
    throw new SettingsError(`FL_EP must be one of ${Object.keys(providers).join(', ')}, not ${name}`);
  return providers[name];
}

/** Throws a SettingsError. `libraries`: where the image has them, unless FL_CORE says otherwise. */
export function commonSettings(env: Environment, libraries: string): CommonSettings {
  return {
    home: join(needed(env, 'HOME'), '.foundry-local'),
    store: needed(env, 'FL_MODEL_DIR'),
    libraries: value(env, 'FL_CORE') ?? libraries,
    provider: providerOf(env),
    offline: value(env, 'FL_OFFLINE') === '1',
  };
}

/** Throws a SettingsError. */
export function serveSettings(env: Environment, libraries: string): ServeSettings {
  return {
    ...commonSettings(env, libraries),
    model: needed(env, 'FL_MODEL'),
    port: wholeNumber(env, 'FL_PORT', 65_535) ?? DEFAULT_PORT,
    maxContext: wholeNumber(env, 'FL_MAX_CONTEXT'),
    threads: wholeNumber(env, 'FL_THREADS', 4096),
    loadTimeoutMs: (wholeNumber(env, 'FL_LOAD_TIMEOUT', 86_400) ?? DEFAULT_LOAD_TIMEOUT_SECONDS) * 1000,
    reportFile: value(env, 'FL_REPORT_FILE'),
  };
}
