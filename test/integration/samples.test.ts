import { beforeAll, describe, expect, inject, it } from 'vitest';
import { parse } from 'yaml';
import { connect } from '../controlplane/access.ts';
import { createNamespace, type TestNamespace } from '../controlplane/namespaces.ts';
import { samples } from '../unit/api/samples.ts';
import { collection, installCrd } from './apiServer.ts';

const access = connect(inject('controlPlane'));
let namespace: TestNamespace;

beforeAll(async () => {
  await installCrd(access);
  namespace = await createNamespace(access, 'samples');
});

describe('samples on a real API server', () => {
  it.each(samples)('$file comes back as it went in', async ({ object }) => {
    const created = await access.call('POST', `${collection(namespace.name)}?fieldValidation=Strict`, { body: object });
    expect(created.status, JSON.stringify(created.body)).toBe(201);
    const { body } = await access.call('GET', `${collection(namespace.name)}/${object.metadata.name}`);
    expect((body as typeof object).spec).toEqual({ replicas: 1, ...object.spec });
  });

  it.each(samples)('$file is applied twice by kubectl and changes once', async ({ file, object }) => {
    const input = JSON.stringify(object);
    const target = ['-n', namespace.name, '-f', '-'];
    const first = await access.runKubectl(['apply', '--server-side', '--force-conflicts', ...target, '-o', 'yaml'], {
      input,
    });
    expect(first.code, `${file}: ${first.stderr}`).toBe(0);
    const second = await access.runKubectl(['apply', '--server-side', ...target, '-o', 'yaml'], { input });
    const generation = (text: string) => (parse(text) as { metadata: { generation: number } }).metadata.generation;
    expect(generation(second.stdout)).toBe(generation(first.stdout));
  });
});
