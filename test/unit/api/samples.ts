// The samples that ship with the operator, as tests read them.
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse } from 'yaml';

export interface Sample {
  file: string;
  object: { apiVersion: string; kind: string; metadata: { name: string }; spec: Record<string, unknown> };
}

const folder = resolve(import.meta.dirname, '../../../manifests/samples');

export const samples: readonly Sample[] = readdirSync(folder)
  .filter((file) => file.endsWith('.yaml'))
  .sort()
  .map((file) => ({ file, object: parse(readFileSync(resolve(folder, file), 'utf8')) }));
