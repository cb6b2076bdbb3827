// An apply that takes our fields back from whoever changed them, also where apply alone cannot: what another manager put into
// a list beside our items is his, and may make the whole invalid (a port edited by hand leaves two ports of one name).
import type { Child } from '../children/pod.ts';
import type { Client } from '../kube/client.ts';
import { ApiError } from '../kube/errors.ts';
import { resourceOf } from '../kube/resources.ts';
import type { KubeObject } from '../kube/types.ts';

interface Call {
  fieldManager: string;
  signal: AbortSignal;
}

type WithSpec = KubeObject & { spec?: Record<string, unknown> };

/**
 * Applies a child that is known to be ours.
 * @param uid of the object that is meant: another that has taken its name meanwhile is refused with `conflict`
 * @returns the object as the server stored it
 * @throws ApiError; `invalid` when the child itself breaks a rule
 */
export async function applyForced(
  client: Client,
  child: Child,
  uid: string | undefined,
  call: Call,
): Promise<KubeObject> {
  const resource = resourceOf(child);
  const meant = { ...child, metadata: { ...child.metadata, ...(uid && { uid }) } };
  const apply = () => client.apply<KubeObject>(resource, meant, call);
  try {
    return await apply();
  } catch (error) {
    if (!isInvalid(error) || !child.spec) throw error;
    const live = await client.get<WithSpec>(resource, child.metadata, call);
    const replaceBy = (spec: WithSpec['spec']) => client.replace<WithSpec>(resource, { ...live, spec }, call);
    try {
      await replaceBy({ ...live.spec, ...child.spec });
    } catch (stillInvalid) {
      if (!isInvalid(stillInvalid)) throw stillInvalid;
      await replaceBy(child.spec); // his fields and ours exclude each other: minAvailable and maxUnavailable of a budget
    }
    return withoutTrace(client, await apply(), call);
  }
}

/** A rule that the object as a whole breaks. What is no object of its kind at all, PUT would take without the part that is wrong. */
const isInvalid = (error: unknown): boolean => error instanceof ApiError && error.statusCode === 422;

/** PUT made us the owner of what it wrote, by Update: a later apply that leaves a field out would not take it away. */
async function withoutTrace(client: Client, stored: KubeObject, call: Call): Promise<KubeObject> {
  const managedFields = stored.metadata.managedFields?.filter(
    ({ manager, operation, subresource }) =>
      manager !== call.fieldManager || operation !== 'Update' || subresource !== undefined,
  );
  if (managedFields?.length === stored.metadata.managedFields?.length) return stored;
  const metadata = { ...stored.metadata, ...(managedFields && { managedFields }) };
  return client.replace(resourceOf(stored), { ...stored, metadata }, call);
}
