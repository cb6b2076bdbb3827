// What others would say of the same pod, on script: cAdvisor needs a kubelet with containers, NVIDIA's DCGM exporter a GPU.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ScrapeConfig } from './scrape.ts';

/** Every metric of the dashboards that is not ours, with the reason why it is scripted. */
export const foreign = {
  container_cpu_usage_seconds_total: 'cAdvisor, in a kubelet: simulated nodes have none',
  container_memory_working_set_bytes: 'cAdvisor, in a kubelet: simulated nodes have none',
  DCGM_FI_DEV_GPU_UTIL: 'NVIDIA’s DCGM exporter, which needs a GPU',
} as const;

export interface Exposition {
  /** 127.0.0.1:port */
  readonly address: string;
  stop(): Promise<void>;
}

const exposition = (labels: string, seconds: number): string =>
  [
    '# TYPE container_cpu_usage_seconds_total counter',
    `container_cpu_usage_seconds_total{${labels},container="ollama"} ${seconds}`,
    '# TYPE container_memory_working_set_bytes gauge',
    `container_memory_working_set_bytes{${labels},container="ollama"} 1e9`,
    '# TYPE DCGM_FI_DEV_GPU_UTIL gauge',
    `DCGM_FI_DEV_GPU_UTIL{${labels},gpu="0"} 50`,
    '',
  ].join('\n');

/** Says of a pod that one of its processors is busy, a second more at each scrape. */
export async function exposeForeign(namespace: string, pod: string): Promise<Exposition> {
  let scrapes = 0;
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' });
    response.end(exposition(`namespace="${namespace}",pod="${pod}"`, ++scrapes));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Its labels are about pods, not about who tells of them. */
export const foreignScrape = ({ address }: Exposition): ScrapeConfig => ({
  job_name: 'others',
  honor_labels: true,
  static_configs: [{ targets: [address] }],
});
