import { describe, expect, it } from 'vitest';
import type { ProgressReport } from '../../../src/puller/progressReport.ts';
import { formatSeconds, progressLine, progressLog, terminalBar } from '../../../src/puller/progressWords.ts';
import { recordLog } from '../../fault/recordedLog.ts';
import { createVirtualClock } from '../virtualClock.ts';

const GiB = 2 ** 30;
const fetching: ProgressReport = {
  schema: 1,
  revision: 'r1',
  reference: 'phi4-mini:3.8b',
  phase: 'Fetching',
  startedAt: '',
  updatedAt: '',
  completedBytes: GiB,
  totalBytes: 4 * GiB,
  fetchedBytes: GiB,
  bytesPerSecond: 50 * 2 ** 20,
  etaSeconds: 62,
  layers: [],
};

it.each([
  [0.4, '0 s'],
  [59.4, '59 s'],
  [200, '3 min 20 s'],
  [7_500, '2 h 5 min'],
])('%d seconds are %s', (seconds, words) => {
  expect(formatSeconds(seconds)).toBe(words);
});

describe('the line on a terminal', () => {
  it('shows how far it is, how fast, and how long it takes', () => {
    expect(progressLine(fetching, 200)).toBe(
      'phi4-mini:3.8b  Fetching  [######..................]  25 %  1.0 GiB of 4.0 GiB  50.0 MiB/s  1 min 2 s left',
    );
  });

  it('fits into its width', () => {
    expect(progressLine(fetching, 40)).toHaveLength(40);
  });

  it('shows whom it waits for', () => {
    const waiting = { ...fetching, phase: 'Waiting', totalBytes: 0, completedBytes: 0, message: 'pod-1 is at work' };
    expect(progressLine(waiting, 200)).toBe('phi4-mini:3.8b  Waiting  pod-1 is at work');
  });

  it('is drawn over itself, and ends in full', () => {
    const written: string[] = [];
    const draw = terminalBar({ write: (text) => written.push(text), columns: 30 });
    draw(fetching);
    draw({ ...fetching, phase: 'Failed', message: 'x'.repeat(100) });
    const clearToEnd = '\x1b[K';
    expect(written[0]?.startsWith('\rphi4')).toBe(true);
    expect(written[0]?.endsWith(`…${clearToEnd}`)).toBe(true);
    expect(written[1]?.endsWith(`${'x'.repeat(100)}${clearToEnd}\n`)).toBe(true);
  });
});

describe('the log', () => {
  it('has a line per phase, and one every 30 s of a long one', async () => {
    const clock = createVirtualClock();
    const { log, lines } = recordLog();
    const say = progressLog(log, clock);
    for (let at = 0; at < 61; at++) {
      say({ ...fetching, completedBytes: at });
      await clock.advance(1_000);
    }
    say({ ...fetching, phase: 'Verifying' });
    say({ ...fetching, phase: 'Done' });
    expect(lines.map(({ fields }) => [fields.phase, fields.completedBytes])).toEqual([
      ['Fetching', 0],
      ['Fetching', 30],
      ['Fetching', 60],
      ['Verifying', GiB],
    ]);
  });
});
