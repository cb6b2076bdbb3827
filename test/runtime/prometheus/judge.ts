// Prometheus' own parser and rule engine, built into one small program (test/runtime/go/promjudge); promtool itself needs the client
// libraries of every cloud to be built.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { goPiece } from '../versions.ts';
import { lacksGo, openWorkshop, requireTools, supplyGoProgram, type WorkshopOptions } from '../workshop.ts';

export const PROMETHEUS_VERSION = '0.316.0';

const promjudge = goPiece('promjudge', PROMETHEUS_VERSION, {
  package: '.',
  ldflags: '-s -w',
  cgo: false,
  elsewhereSeconds: 60,
});

/** Path of the program, from the cache or built. Rejects with UnavailableError. */
export async function findPromjudge(options: WorkshopOptions): Promise<string> {
  const workshop = openWorkshop('prometheus', options);
  await requireTools('Prometheus’ rule engine', [promjudge], [lacksGo(promjudge.module)], workshop);
  return supplyGoProgram(promjudge, workshop);
}

export interface Play {
  /** A series per line in the notation of promqltest, such as `up{pod="a"} 1x60`: a value a minute from 0 on. */
  series: readonly string[];
  untilMinutes: number;
  /** Queries that are answered at the end. */
  asks?: readonly string[];
}

export interface Firing {
  alert: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

export interface Verdict {
  /** What Prometheus would not load, in its words. */
  problems: string[];
  /** By play: the alerts that fire at its end, and of each query that was asked the number of series in its answer. */
  plays: { firing: Firing[]; answers: number[] }[];
}

export interface Question {
  /** Path of a file of rules. */
  rules: string;
  queries?: readonly string[];
  plays?: readonly Play[];
}

/** Rejects when a play cannot be given at all. */
export function judge(program: string, { rules, queries = [], plays = [] }: Question): Promise<Verdict> {
  const asked = {
    rules,
    queries,
    plays: plays.map(({ series, untilMinutes, asks = [] }) => ({
      asks,
      series: ['load 1m', ...series.map((line) => `  ${line}`)].join('\n'),
      untilSeconds: untilMinutes * 60,
    })),
  };
  return new Promise((resolve, reject) => {
    const child = execFile(program, { maxBuffer: 2 ** 26 }, (error, stdout, stderr) =>
      error ? reject(new Error(stderr || error.message)) : resolve(JSON.parse(stdout) as Verdict),
    );
    child.stdin?.end(JSON.stringify(asked));
  });
}

export const chartRules = join(import.meta.dirname, '../../../charts/local-model-operator/alerts/alerts.yaml');

/** An expression of a dashboard with its variables filled in, as Grafana does it. */
export const filledIn = (expr: string): string =>
  expr.replaceAll('$__rate_interval', '5m').replaceAll('$namespace', 'ai').replaceAll('$model', 'qwen');
