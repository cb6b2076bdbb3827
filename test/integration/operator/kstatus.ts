// The rule by which Helm, Flux and kpt judge an object of a kind that they do not know: sigs.k8s.io/cli-utils, pkg/kstatus/status
// (checkGenericProperties). Written down here again, so that our status is judged by it and not by our own idea of it.

export type Verdict = 'Current' | 'InProgress' | 'Failed' | 'Terminating';

interface Judged {
  metadata: { generation?: number; deletionTimestamp?: string };
  status?: { observedGeneration?: number | undefined; conditions?: { type: string; status: string }[] | undefined };
}

export function kstatus({ metadata, status }: Judged): Verdict {
  if (metadata.deletionTimestamp) return 'Terminating';
  if (status?.observedGeneration !== undefined && status.observedGeneration !== metadata.generation)
    return 'InProgress';
  const isTrue = (type: string) => status?.conditions?.some((c) => c.type === type && c.status === 'True');
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  if (isTrue('Reconciling')) return 'InProgress';
  if (isTrue('Stalled')) return 'Failed';
  if (ready && ready.status !== 'True') return 'InProgress';
  return 'Current';
}
