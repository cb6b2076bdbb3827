// The figures of the gateway's bench: what it adds to the same load without it.

import type { Figure } from '../report.ts';
import { mean, median, percentile } from '../statistics.ts';
import type { Usage } from '../usage.ts';
import type { Streamed } from './load.ts';

/** The same load, by one way. */
export interface Way {
  perSecond: number;
  /** Of requests at the steady rate. */
  steadyMs: readonly number[];
  streamed: Streamed;
}

/** Direct, through the gateway, direct: what the machine does meanwhile falls on both. */
export interface GatewayRound {
  direct: readonly [Way, Way];
  through: Way;
  /** Requests a second where each was timed: half of what the gateway can do, or as the user said. */
  steadyRate: number;
  /** CPU seconds of the gateway for the streams. */
  streamCpuSeconds: number;
  usage: Usage | undefined;
}

const over = (rounds: readonly GatewayRound[], of: (round: GatewayRound) => number): number => median(rounds.map(of));
const directly = ({ direct }: GatewayRound, of: (way: Way) => number): number => mean(direct.map(of));
const tokenRate = ({ streamed: { tokens, seconds } }: Way): number => tokens / seconds;
const steady = (share: number) => (way: Way) => percentile(way.steadyMs, share);
const added = (share: number) => (round: GatewayRound) => steady(share)(round.through) - directly(round, steady(share));

const loadOf = (rate: number | undefined): string => (rate === undefined ? 'half load' : `${rate}/s`);

/** @param rate as the user said; half load where absent */
export const gatewayRatios = (rounds: readonly GatewayRound[], rate?: number): Figure[] => [
  {
    name: 'requests a second',
    value: over(rounds, (round) => round.through.perSecond / directly(round, ({ perSecond }) => perSecond)),
    unit: '× direct',
  },
  { name: `added to a request at ${loadOf(rate)}, p50`, value: over(rounds, added(0.5)), unit: 'ms' },
  { name: `added to a request at ${loadOf(rate)}, p99`, value: over(rounds, added(0.99)), unit: 'ms', aim: 2 },
  {
    name: 'time for the same tokens, all streams',
    value: over(rounds, (round) => directly(round, tokenRate) / tokenRate(round.through)),
    unit: '× direct',
    aim: 1 / 0.95,
  },
];

export const gatewayAbsolutes = (rounds: readonly GatewayRound[]): Figure[] => [
  { name: 'requests a second, through', value: over(rounds, ({ through }) => through.perSecond), unit: '' },
  {
    name: 'requests a second, direct',
    value: over(rounds, (round) => directly(round, (way) => way.perSecond)),
    unit: '',
  },
  { name: 'steady rate', value: over(rounds, ({ steadyRate }) => steadyRate), unit: 'requests/s' },
  { name: 'p50 / through', value: over(rounds, (round) => steady(0.5)(round.through)), unit: 'ms' },
  { name: 'p99 / through', value: over(rounds, (round) => steady(0.99)(round.through)), unit: 'ms' },
  { name: 'p50 / direct', value: over(rounds, (round) => directly(round, steady(0.5))), unit: 'ms' },
  { name: 'p99 / direct', value: over(rounds, (round) => directly(round, steady(0.99))), unit: 'ms' },
  { name: 'tokens a second, through', value: over(rounds, ({ through }) => tokenRate(through)), unit: '' },
  { name: 'tokens a second, direct', value: over(rounds, (round) => directly(round, tokenRate)), unit: '' },
  {
    name: 'first token p50, through',
    value: over(rounds, ({ through }) => percentile(through.streamed.firstTokenMs, 0.5)),
    unit: 'ms',
  },
  {
    name: 'first token p50, direct',
    value: over(rounds, (round) => directly(round, ({ streamed }) => percentile(streamed.firstTokenMs, 0.5))),
    unit: 'ms',
  },
  {
    name: 'CPU of the gateway per 1,000 tokens',
    value: over(rounds, ({ streamCpuSeconds, through }) => (streamCpuSeconds / through.streamed.tokens) * 1e6),
    unit: 'ms',
  },
  { name: 'RSS after the load', value: over(rounds, ({ usage }) => usage?.rssMiB ?? Number.NaN), unit: 'MiB', aim: 90 },
  {
    name: 'RSS at its peak',
    value: over(rounds, ({ usage }) => usage?.peakRssMiB ?? Number.NaN),
    unit: 'MiB',
    aim: 90,
  },
];
