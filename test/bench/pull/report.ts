// The figures of the pull's bench: ratios to the others first, then what they came from.
import type { Figure } from '../report.ts';
import { median } from '../statistics.ts';
import type { Cost } from './contenders.ts';

export type Pass = Cost & {
  /** Blobs and manifests that the registry was asked for, redirects counted by themselves. */
  requests: number;
  /** Until the model would survive a power cut: with a sync of its files where the contender leaves that to the kernel. */
  durableSeconds: number;
};

export const contenderNames = ['pull', 'curl', 'ollama'] as const;
export type ContenderName = (typeof contenderNames)[number];

/** One after the other, so that what the machine does meanwhile falls on all. */
export type Round = Readonly<Record<ContenderName, Pass>>;

const titles = { pull: 'the pull', curl: 'curl and sha256sum', ollama: 'ollama pull' } as const satisfies Record<
  ContenderName,
  string
>;

/** Over the rounds; undefined where one of them does not know. */
function middle(rounds: readonly Round[], of: (round: Round) => number | undefined): number | undefined {
  const known = rounds.map(of).filter((value) => value !== undefined);
  return known.length === rounds.length ? median(known) : undefined;
}

const quotient = (a: number | undefined, b: number | undefined) =>
  a === undefined || b === undefined ? undefined : a / b;

export const pullRatios = (rounds: readonly Round[]): Figure[] =>
  (['curl', 'ollama'] as const).flatMap((other) => [
    {
      name: 'time',
      value: middle(rounds, (round) => round.pull.seconds / round[other].seconds),
      unit: `× ${titles[other]}`,
      aim: 1,
    },
    {
      name: 'time until it is on disk',
      value: middle(rounds, (round) => round.pull.durableSeconds / round[other].durableSeconds),
      unit: `× ${titles[other]}`,
      aim: 1,
    },
    {
      name: 'CPU',
      value: middle(rounds, (round) => quotient(round.pull.cpuSeconds, round[other].cpuSeconds)),
      unit: `× ${titles[other]}`,
    },
  ]);

/**
 * Manifest, config, redirects, and a request for each 32 MiB; in the end each of the 8 connections may halve what is left of
 * another's, seven times until less than half a MiB is left.
 */
export const requestBudget = (size: number): number => 8 + Math.ceil(size / (32 * 2 ** 20)) + 8 * 7;

export const pullBudgets = (rounds: readonly Round[], size: number): Figure[] => [
  {
    name: 'requests of the pull, most of any round',
    value: Math.max(...rounds.map(({ pull }) => pull.requests)),
    unit: '',
    aim: requestBudget(size),
    budget: true,
  },
];

export const pullAbsolutes = (rounds: readonly Round[], size: number): Figure[] =>
  contenderNames.flatMap((name) => [
    { name: `${titles[name]}: time`, value: middle(rounds, (round) => round[name].seconds), unit: 's' },
    { name: '  until it is on disk', value: middle(rounds, (round) => round[name].durableSeconds), unit: 's' },
    { name: '  speed', value: middle(rounds, (round) => size / 1e6 / round[name].seconds), unit: 'MB/s' },
    { name: '  CPU', value: middle(rounds, (round) => round[name].cpuSeconds), unit: 's' },
    ...(name === 'curl'
      ? []
      : [
          {
            name: '  RSS at its peak',
            value: middle(rounds, (round) => round[name].peakRssMiB),
            unit: 'MiB',
            ...(name === 'pull' && { aim: 120 }),
          },
        ]),
    { name: '  requests', value: middle(rounds, (round) => round[name].requests), unit: '' },
  ]);
