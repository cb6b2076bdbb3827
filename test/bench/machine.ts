// Where the figures were taken: without it nobody can compare them.
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { versions } from '../controlplane/versions.ts';

export interface Machine {
  cores: number;
  cpu: string;
  memoryGiB: number;
  platform: string;
  node: string;
  kubernetes: string;
  etcd: string;
  /** One minute's load before the first pass: more than a little means that others work beside. */
  load: number;
}

export const machine = (): Machine => ({
  cores: availableParallelism(),
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  platform: `${process.platform} ${process.arch}`,
  node: process.versions.node,
  kubernetes: versions.kubernetes,
  etcd: versions.etcd,
  load: Number((loadavg()[0] ?? 0).toFixed(1)),
});
