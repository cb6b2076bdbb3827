// What the tests of the resource ask the API server: install the CRD once, try objects without keeping them.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse } from 'yaml';
import { GROUP, KIND, localModelDeployments, VERSION } from '../../src/api/types.ts';
import type { Access } from '../controlplane/access.ts';
import { waitFor } from '../controlplane/wait.ts';

export const crdFile = resolve(import.meta.dirname, '../../crds/localmodels.dev_localmodeldeployments.yaml');

interface Definition {
  metadata: { name: string };
  status?: { conditions?: { type: string; status: string }[] };
}

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

/** Applies the CRD as it is shipped and resolves when the kind is served. Side by side with others that do the same. */
export async function installCrd({ call }: Access): Promise<void> {
  const crd = parse(readFileSync(crdFile, 'utf8')) as Definition;
  const path = `${definitions}/${crd.metadata.name}`;
  const applied = await call('PATCH', `${path}?fieldManager=installer&force=true`, {
    body: crd,
    contentType: 'application/apply-patch+yaml',
  });
  if (applied.status > 201) throw new Error(`CRD: ${applied.status} ${JSON.stringify(applied.body)}`);
  const isServed = async () => {
    const { status } = (await call('GET', path)).body as Definition;
    const established = status?.conditions?.some((item) => item.type === 'Established' && item.status === 'True');
    return (established && (await call('GET', collection('default'))).status === 200) || undefined;
  };
  await waitFor('the CRD is established', isServed, { deadlineMs: 60_000 });
}

export const collection = (namespace: string): string =>
  `/apis/${GROUP}/${VERSION}/namespaces/${namespace}/${localModelDeployments.plural}`;

export interface Refusal {
  field: string;
  message: string;
}

export interface Verdict {
  accepted: boolean;
  /** What is wrong, where; empty where the body could not even be decoded. */
  refusals: Refusal[];
  answer: unknown;
}

interface Answer {
  message?: string;
  details?: { causes?: { field?: string; message?: string }[] };
}

export const deployment = (name: string, spec: unknown) => ({
  apiVersion: `${GROUP}/${VERSION}`,
  kind: KIND,
  metadata: { name },
  spec,
});

const OPTIONS = 'dryRun=All&fieldValidation=Strict';

async function send({ call }: Pick<Access, 'call'>, method: string, path: string, body: unknown): Promise<Verdict> {
  const { status, body: answer } = await call(method, path, { body, deadlineMs: 30_000 });
  if (status === 200 || status === 201) return { accepted: true, refusals: [], answer };
  if (status !== 400 && status !== 422) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(answer)}`);
  const causes = (answer as Answer).details?.causes ?? [];
  const refusals = causes.map(({ field = '', message = '' }) => ({ field, message }));
  return { accepted: false, refusals, answer };
}

/** What the API server says of a new object; nothing is kept. */
export const tryCreate = (access: Pick<Access, 'call'>, name: string, spec: unknown): Promise<Verdict> =>
  send(access, 'POST', `${collection('default')}?${OPTIONS}`, deployment(name, spec));

/** What the API server says of a changed object that was kept as `current`; the change is not kept. */
export const tryReplace = (
  access: Pick<Access, 'call'>,
  namespace: string,
  current: { metadata: { name: string } },
  spec: unknown,
): Promise<Verdict> =>
  send(access, 'PUT', `${collection(namespace)}/${current.metadata.name}?${OPTIONS}`, { ...current, spec });
