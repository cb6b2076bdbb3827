// Runs the health check that Argo CD would run, in a real Lua.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { LuaFactory } from 'wasmoon';

export interface Health {
  status: 'Healthy' | 'Progressing' | 'Degraded' | 'Suspended' | 'Missing';
  message: string;
}

export const script = readFileSync(resolve(import.meta.dirname, '../../manifests/gitops/argocd/health.lua'), 'utf8');

const factory = new LuaFactory();

/** `object` is handed over as JSON is: plain tables, so that a script that works here works in Argo CD's gopher-lua. */
export async function healthOf(object: unknown): Promise<Health> {
  // Without the libraries that Argo CD does not open either.
  const lua = await factory.createEngine({ openStandardLibs: true, injectObjects: false });
  try {
    for (const name of ['os', 'io', 'package', 'debug', 'require']) lua.global.set(name, undefined);
    await lua.doString(`obj = ${literal(object)}`);
    return (await lua.doString(script)) as Health;
  } finally {
    lua.global.close();
  }
}

/** A value as a Lua constructor: an array is a sequence, null is nil. */
function literal(value: unknown): string {
  if (value === null || value === undefined) return 'nil';
  if (typeof value === 'string') return quoted(value);
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `{${value.map(literal).join(', ')}}`;
  return `{${Object.entries(value)
    .map(([name, member]) => `[${quoted(name)}] = ${literal(member)}`)
    .join(', ')}}`;
}

/** By its bytes: Lua has no escapes of JSON. */
const quoted = (text: string): string =>
  `"${[...Buffer.from(text)].map((byte) => `\\${String(byte).padStart(3, '0')}`).join('')}"`;
