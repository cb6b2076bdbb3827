import { beforeAll, describe, expect, inject, it } from 'vitest';
import { connect } from '../controlplane/access.ts';
import { createNamespace } from '../controlplane/namespaces.ts';
import { waitFor } from '../controlplane/wait.ts';
import { collection, crdFile, deployment, installCrd } from './apiServer.ts';

const access = connect(inject('controlPlane'));
const minimal = { runtime: 'Ollama', model: { name: 'phi4-mini:3.8b' } };

const kubectl = async (...argv: string[]): Promise<string> => {
  const { code, stdout, stderr } = await access.runKubectl(argv);
  expect(code, stderr).toBe(0);
  return stdout;
};

beforeAll(() => installCrd(access));

describe('the CRD', () => {
  it('is applied by the client as well as by the server', async () => {
    await kubectl('apply', '--server-side', '--force-conflicts', '-f', crdFile);
    await kubectl('apply', '-f', crdFile);
    await kubectl('wait', '--for=condition=Established', '--timeout=30s', '-f', crdFile);
  });

  it('has nothing that the API server would rather have otherwise', async () => {
    const { body } = await access.call(
      'GET',
      '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/localmodeldeployments.localmodels.dev',
    );
    const { status } = body as { status: { conditions: { type: string; message: string }[] } };
    expect(status.conditions.filter(({ type }) => type === 'NonStructuralSchema')).toEqual([]);
  });

  it('is explained by kubectl', async () => {
    // Discovery lags a little behind Established.
    const explained = await waitFor(
      'kubectl explains the kind',
      async () => {
        const { code, stdout } = await access.runKubectl(['explain', 'lmd.spec.hardware']);
        return code === 0 ? stdout : undefined;
      },
      { deadlineMs: 60_000, everyMs: 500 },
    );
    expect(explained).toContain('Which hardware to run on: the preferred rung of the ladder first');
    expect(explained).toMatch(/preferred\s+<Object>\s+What to run on if it can be had; default CPU\./);
    expect(explained).toMatch(/residency\s+<string>\s+enum: Required, Report/);
    const rung = await kubectl('explain', 'localmodeldeployments.spec.hardware.preferred');
    expect(rung).toMatch(/class\s+<string> -required-\s+enum: CPU, GPU, NPU/);
  });
});

describe('a deployment', () => {
  it('is found by short name, category and field, and shows what people look for', async () => {
    const { name: namespace } = await createNamespace(access, 'crd');
    await access.call('POST', collection(namespace), { body: deployment('phi4-mini', minimal) });
    const status = {
      endpoint: `http://phi4-mini.${namespace}.svc:8080`,
      hardware: { class: 'GPU' },
      model: { sourceDigest: `sha256:${'a'.repeat(64)}` },
      effective: { auth: 'None' },
      conditions: [
        {
          type: 'Ready',
          status: 'False',
          reason: 'Pulling',
          message: '40 %',
          lastTransitionTime: '2026-11-22T12:00:00Z',
        },
      ],
    };
    const patched = await access.call('PATCH', `${collection(namespace)}/phi4-mini/status`, {
      body: { status },
      contentType: 'application/merge-patch+json',
    });
    expect(patched.status).toBe(200);

    const [head, row] = (await kubectl('get', 'lmd', '-n', namespace)).split('\n');
    expect(head?.split(/\s+/)).toEqual(['NAME', 'RUNTIME', 'MODEL', 'HARDWARE', 'READY', 'STATUS', 'AGE']);
    expect(row).toMatch(/^phi4-mini\s+Ollama\s+phi4-mini:3\.8b\s+GPU\s+False\s+Pulling\s+\d+s/);
    const wide = await kubectl('get', 'lmd', '-n', namespace, '-o', 'wide', '--field-selector', 'spec.runtime=Ollama');
    expect(wide).toMatch(/AGE\s+DIGEST\s+AUTH\s+ENDPOINT/);
    expect(wide).toMatch(/sha256:a{64}\s+None\s+http:\/\/phi4-mini\./);
    expect(await kubectl('get', 'localmodels', '-n', namespace, '-o', 'name')).toContain('phi4-mini');
    const none = await kubectl(
      'get',
      'lmd',
      '-n',
      namespace,
      '-o',
      'name',
      '--field-selector=status.hardware.class=CPU',
    );
    expect(none).toBe('');
  });

  it('is scaled by kubectl and by autoscalers, also where the user never said how many', async () => {
    const { name: namespace } = await createNamespace(access, 'scale');
    const path = `${collection(namespace)}/phi4-mini`;
    await access.call('POST', collection(namespace), { body: deployment('phi4-mini', minimal) });
    const read = (await access.call('GET', `${path}/scale`)).body;
    expect(read).toMatchObject({ kind: 'Scale', spec: { replicas: 1 } });

    await kubectl('scale', 'lmd/phi4-mini', '-n', namespace, '--replicas=3');
    await access.call('PATCH', `${path}/status`, {
      body: { status: { replicas: 2, selector: 'localmodels.dev/deployment=phi4-mini' } },
      contentType: 'application/merge-patch+json',
    });
    expect((await access.call('GET', `${path}/scale`)).body).toMatchObject({
      spec: { replicas: 3 },
      status: { replicas: 2, selector: 'localmodels.dev/deployment=phi4-mini' },
    });
    const refused = await access.runKubectl(['scale', 'lmd/phi4-mini', '-n', namespace, '--replicas=-1']);
    expect(refused.code).not.toBe(0);
  });

  it('leaves what the user did not say unsaid, but for replicas', async () => {
    const { body } = await access.call('POST', `${collection('default')}?dryRun=All`, {
      body: deployment('phi4-mini', minimal),
    });
    expect((body as { spec: unknown }).spec).toEqual({ ...minimal, replicas: 1 });
  });

  it('takes only the status that was declared', async () => {
    const { name: namespace } = await createNamespace(access, 'status');
    await access.call('POST', collection(namespace), { body: deployment('phi4-mini', minimal) });
    const patch = (status: unknown) =>
      access.call('PATCH', `${collection(namespace)}/phi4-mini/status?fieldValidation=Strict`, {
        body: { status },
        contentType: 'application/merge-patch+json',
      });
    expect((await patch({ replicas: 1 })).status).toBe(200);
    expect((await patch({ conditions: [{ type: 'Ready', status: 'Perhaps' }] })).status).toBe(422);
  });
});
