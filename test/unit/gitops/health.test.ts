// The health check of Argo CD on statuses that the operator has written on a real API server (test/integration/operator/argo.test.ts).
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type Health, healthOf, script } from '../../gitops/health.ts';

const root = resolve(import.meta.dirname, '../../..');
const folder = resolve(root, 'test/gitops/recorded');

interface Recorded {
  health: Health['status'];
  // biome-ignore lint/suspicious/noExplicitAny: a test may change any field
  object: any;
}

const read = (file: string): Recorded => parse(readFileSync(resolve(folder, file), 'utf8'));
const files = readdirSync(folder);

describe('health.lua', () => {
  it.each(files)('judges %s as recorded', async (file) => {
    const { health, object } = read(file);
    const found = await healthOf(object);
    expect(found.status).toBe(health);
    expect(found.message).toMatch(/^\w+: .+/);
  });

  it('has been tried on every verdict that it can give', () => {
    expect(new Set(files.map((file) => read(file).health))).toEqual(
      new Set([...script.matchAll(/status = "(\w+)"/g)].map(([, status]) => status)),
    );
  });

  it('believes no status of an older generation, though it says Ready', async () => {
    const { object } = read('serving.yaml');
    object.metadata.generation += 1;
    expect(await healthOf(object)).toEqual({ status: 'Progressing', message: 'waiting for the operator' });
  });

  it('waits where there is no status, or half of one', async () => {
    const { object } = read('serving.yaml');
    for (const status of [undefined, {}, { observedGeneration: object.metadata.generation }, { conditions: [] }])
      expect((await healthOf({ ...object, status })).status).toBe('Progressing');
  });

  it('calls what is being deleted neither healthy nor ill', async () => {
    const { object } = read('refused-by-source.yaml');
    object.metadata.deletionTimestamp = '2026-11-23T10:00:00Z';
    expect(await healthOf(object)).toEqual({ status: 'Progressing', message: 'is being deleted' });
  });

  it('is in the patch of argocd-cm as it stands', () => {
    const patch = parse(readFileSync(resolve(root, 'manifests/gitops/argocd/argocd-cm.yaml'), 'utf8'));
    expect(patch.data['resource.customizations.health.localmodels.dev_LocalModelDeployment']).toBe(script);
  });
});
