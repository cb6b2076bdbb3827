// Who plays in the demo: samples from manifests/samples, and what has to become of each on the demo's own cluster.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { DeviceClass } from '../../src/api/hardware.ts';
import { GROUP, KIND, type StoredDeployment, VERSION } from '../../src/api/types.ts';
import type { Verdict } from './explain.ts';

interface Role {
  /** File in the folder of the samples, without its ending. */
  sample: string;
  expected: Verdict;
  /** The class of device that it has to end on. */
  on?: DeviceClass;
}

const roles: readonly Role[] = [
  { sample: 'ollama-cpu', expected: 'ready', on: 'CPU' },
  { sample: 'foundry-cpu', expected: 'ready', on: 'CPU' },
  { sample: 'ollama-nvidia', expected: 'ready', on: 'GPU' },
  { sample: 'ladder', expected: 'ready', on: 'GPU' },
  { sample: 'scaled-to-zero', expected: 'parked' },
  { sample: 'volume-source', expected: 'waiting' },
  { sample: 'npu-refused', expected: 'refused' },
];

export interface Actor extends Role {
  name: string;
  manifest: StoredDeployment;
}

export const samplesFolder = 'manifests/samples';

/** The samples, put into `namespace`. */
export async function loadCast(root: string, namespace: string): Promise<Actor[]> {
  return Promise.all(
    roles.map(async (role) => {
      const text = await readFile(join(root, samplesFolder, `${role.sample}.yaml`), 'utf8');
      const manifest = parse(text) as StoredDeployment;
      return {
        ...role,
        name: manifest.metadata.name,
        manifest: { ...manifest, metadata: { ...manifest.metadata, namespace } },
      };
    }),
  );
}

/** The actors that the story picks out by name. */
export const starring = { changed: 'phi4-mini', passedOver: 'qwen-ladder' } as const;

/** A deployment with three mistakes, each of which the API server has to find. */
export const mistaken = (namespace: string) => ({
  apiVersion: `${GROUP}/${VERSION}`,
  kind: KIND,
  metadata: { name: 'three-mistakes', namespace },
  spec: {
    runtime: 'FoundryLocal',
    model: { name: 'phi-4-mini', digest: `sha256:${'1'.repeat(64)}` },
    ollama: { flashAttention: true },
    api: { port: 9090 },
  },
});
