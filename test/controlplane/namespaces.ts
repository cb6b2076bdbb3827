// A namespace per test, so that tests can run side by side on one control plane.
import { randomBytes } from 'node:crypto';
import type { Access } from './access.ts';
import { waitFor } from './wait.ts';

export interface TestNamespace {
  readonly name: string;
  /** Asks for its deletion with all that is in it, without waiting. */
  remove(): Promise<void>;
}

/** A new namespace `prefix-…` in which pods can be made. `labels`: e.g. for Pod Security admission. */
export async function createNamespace(
  { call }: Pick<Access, 'call'>,
  prefix: string,
  labels: Record<string, string> = {},
): Promise<TestNamespace> {
  const name = `${prefix}-${randomBytes(4).toString('hex')}`;
  const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
  const created = await call('POST', '/api/v1/namespaces', { body });
  if (created.status !== 201) throw new Error(`namespace ${name}: ${created.status} ${JSON.stringify(created.body)}`);
  const account = `/api/v1/namespaces/${name}/serviceaccounts/default`;
  const isReady = async () => (await call('GET', account)).status === 200 || undefined;
  await waitFor(`namespace ${name} has its service account`, isReady, { deadlineMs: 30_000 });
  return {
    name,
    remove: async () => {
      await call('DELETE', `/api/v1/namespaces/${name}`);
    },
  };
}
