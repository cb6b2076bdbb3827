// A deployment as the operator remembers it: without what others have noted on it, and with words that all of them share.
import { GROUP, type StoredDeployment } from '../api/types.ts';
import { createPool } from '../kube/pool.ts';

/** Types, reasons and messages of conditions; most messages are the same for most deployments. */
const texts = createPool<string>(2_000);
// What is stored may be of any shape: it need not have been us who wrote it.
const shared = <T extends string>(text: T): T =>
  typeof text === 'string' ? (texts.share(text, () => text) as T) : text;

type Conditions = NonNullable<NonNullable<StoredDeployment['status']>['conditions']>;

function sharedConditions(conditions: Conditions): Conditions {
  return conditions.map((condition) =>
    condition?.type === undefined
      ? condition
      : {
          ...condition,
          type: shared(condition.type),
          status: shared(condition.status),
          reason: shared(condition.reason),
          message: shared(condition.message),
        },
  );
}

/** Labels and foreign annotations (kubectl's copy of the whole object is one) are never read. */
export function trimDeployment(object: StoredDeployment): StoredDeployment {
  const { managedFields: _fields, labels: _labels, annotations = {}, ...metadata } = object.metadata;
  const ours = Object.entries(annotations).filter(([name]) => name.startsWith(`${GROUP}/`));
  const { status } = object;
  const conditions = Array.isArray(status?.conditions) && sharedConditions(status.conditions);
  return {
    ...object,
    metadata: { ...metadata, ...(ours.length > 0 && { annotations: Object.fromEntries(ours) }) },
    ...(status && { status: { ...status, ...(conditions && { conditions }) } }),
  };
}
