// A real Prometheus on 127.0.0.1 with a folder of its own, and its HTTP API (https://prometheus.io/docs/prometheus/latest/querying/api/).
import { mkdtemp, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onPort, type Program, startProgram } from '../program.ts';
import type { ScrapeConfig, TargetGroup } from './scrape.ts';

/** The alerts as the chart brings them. */
export const chartRules = join(import.meta.dirname, '../../../charts/local-model-operator/alerts/alerts.yaml');

export interface Series {
  metric: Record<string, string>;
  /** Of an instant query: seconds and the number as text. */
  value?: [number, string];
  /** Of a range query. */
  values?: [number, string][];
}

export interface Span {
  /** Seconds since the epoch. */
  start: number;
  end: number;
  /** Seconds. */
  step: number;
}

export interface PrometheusServer extends Program {
  /** http://127.0.0.1:port */
  readonly url: string;
  /** `data` of the answer under /api/v1. Rejects with Prometheus' own words. */
  api<T>(path: string, parameters?: Record<string, string | number>): Promise<T>;
  instant(expr: string): Promise<Series[]>;
  range(expr: string, span: Span): Promise<Series[]>;
  /** What discovery finds from now on. */
  discover(groups: readonly TargetGroup[]): Promise<void>;
}

export interface PrometheusOptions {
  program: string;
  /** Given the file that lists what discovery has found. */
  scrape(file: string): readonly ScrapeConfig[];
  groups: readonly TargetGroup[];
  rules?: readonly string[];
}

interface Answer<T> {
  status: 'success' | 'error';
  data: T;
  error?: string;
}

async function ask<T>(url: string, path: string, parameters: Record<string, string | number>): Promise<T> {
  const query = new URLSearchParams(Object.entries(parameters).map(([name, value]) => [name, String(value)]));
  const response = await fetch(`${url}/api/v1/${path}?${query}`, { signal: AbortSignal.timeout(30_000) });
  const { status, data, error } = (await response.json()) as Answer<T>;
  if (status !== 'success') throw new Error(`${path} ${query.get('query') ?? ''}: ${error}`);
  return data;
}

/** Replaced as a whole: half a file would be an empty list. */
async function writeGroups(file: string, groups: readonly TargetGroup[]): Promise<void> {
  await writeFile(`${file}.new`, JSON.stringify(groups));
  await rename(`${file}.new`, file);
}

/** Resolves when it is ready. Scrapes and evaluates every second. Rejects with the last lines of its log. */
export const startPrometheus = ({
  program,
  scrape,
  groups,
  rules = [],
}: PrometheusOptions): Promise<PrometheusServer> =>
  onPort(undefined, async (port) => {
    const folder = await mkdtemp(join(tmpdir(), 'lmo-prometheus-'));
    const [config, targets] = ['prometheus.yaml', 'targets.json'].map((name) => join(folder, name)) as [string, string];
    await writeGroups(targets, groups);
    const global = { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' };
    // JSON is YAML too.
    await writeFile(config, JSON.stringify({ global, rule_files: rules, scrape_configs: scrape(targets) }));
    const url = `http://127.0.0.1:${port}`;
    const running = await startProgram({
      name: 'prometheus',
      program,
      argv: [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      env: { HOME: folder },
      folder,
      answers: async () => (await fetch(`${url}/-/ready`)).ok,
      deadlineMs: 60_000,
    });
    const api = <T>(path: string, parameters: Record<string, string | number> = {}) => ask<T>(url, path, parameters);
    const result = async (path: string, parameters: Record<string, string | number>) =>
      (await api<{ result: Series[] }>(path, parameters)).result;
    return {
      ...running,
      url,
      api,
      instant: (query) => result('query', { query }),
      range: (query, span) => result('query_range', { query, ...span }),
      discover: (found) => writeGroups(targets, found),
    };
  });
