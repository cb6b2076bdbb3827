// What this release is called: package.json says it once, for all.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

export const NAME = 'local-model-operator';

export interface Release {
  version: string;
  description: string;
}

export function readRelease(): Release {
  const path = resolve(import.meta.dirname, '../../../../package.json');
  const { version, description } = JSON.parse(readFileSync(path, 'utf8')) as Release;
  return { version, description };
}
