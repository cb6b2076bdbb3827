// The table of what single writes cost, ready to be put into a page.

/** `put` and `reapply` change an annotation of what `post` and `apply` have made. */
export type Way = 'post' | 'apply' | 'put' | 'reapply';

export interface Price {
  /** Median of the milliseconds until the answer. */
  ms: number;
  /** CPU milliseconds of kube-apiserver and etcd per write, with what controllers do about it. */
  serverCpuMs: number;
}

export type Cost = { kind: string } & Record<Way, Price>;

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const price = ({ ms, serverCpuMs }: Price): string => `${ms.toFixed(1)} ms, ${serverCpuMs.toFixed(1)} ms CPU`;
const times = (one: number, other: number): string => (one / other).toFixed(2);

export function costTable(costs: readonly Cost[]): string {
  const head = ['child', 'POST', 'apply', 'apply / POST, CPU', 'PUT', 'apply again', 'apply again / PUT, CPU'];
  const rows = costs.map(({ kind, post, apply, put, reapply }) =>
    row([
      kind,
      price(post),
      price(apply),
      times(apply.serverCpuMs, post.serverCpuMs),
      price(put),
      price(reapply),
      times(reapply.serverCpuMs, put.serverCpuMs),
    ]),
  );
  return [row(head), row(head.map(() => '---')), ...rows].join('\n');
}
