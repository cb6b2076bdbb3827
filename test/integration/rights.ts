// Which rights of the shipped role the operator used while all integration tests ran, and whether it was refused anything.
import { allowed, deedsOf } from './deeds.ts';
import { shippedRules, shippedUser } from './operator/shippedRole.ts';

const repair = 'the repair by PUT is the same for all kinds; that of Services and PodDisruptionBudgets is tried';
const noMonitors = 'ServiceMonitors come and go in disruptions.test.ts, on a control plane of its own';
const monitor = (verb: string) => [`${verb} servicemonitors.monitoring.coreos.com`, noMonitors] as const;

/** Rights that the tests on the shared control plane need not make the operator use, and why they are right all the same. */
const unusedHere: Readonly<Record<string, string>> = {
  'update localmodeldeployments/finalizers.localmodels.dev':
    'asked about by an admission plugin, which is on in helm.test.ts; the audit log has requests alone',
  'update deployments.apps': repair,
  'update persistentvolumeclaims': repair,
  'update networkpolicies.networking.k8s.io': repair,
  'delete deployments.apps':
    'removes what carries our label and owner and is not wanted; no version yet calls its workload otherwise',
  'delete configmaps': 'the same for a lock that no revision is left of; whether one comes up is a matter of timing',
  ...Object.fromEntries(['get', 'watch', 'create', 'patch', 'update', 'delete'].map(monitor)),
};

/** What is wrong with the rights, in words; undefined where each is used or excused, and none was missing. */
export async function rightsProblem(auditLog: string): Promise<string | undefined> {
  const { done, refused } = await deedsOf(auditLog, [shippedUser]);
  const unused = allowed(shippedRules).filter((deed) => !done.has(deed) && !(deed in unusedHere));
  const words = [
    refused.size > 0 && `the operator was refused: ${[...refused].join(', ')}`,
    unused.length > 0 && `no test made the operator need: ${unused.join(', ')}`,
  ].filter(Boolean);
  return words.length > 0 ? words.join('\n') : undefined;
}
