import { describe, expect, it } from 'vitest';
import { createTruth } from '../../../src/gateway/truth.ts';
import { silentLogger } from '../../../src/process/logger.ts';
import { recordLog } from '../../fault/recordedLog.ts';
import { createVirtualClock } from '../virtualClock.ts';
import { becomesServing, cpuRules, refused, target, up } from './pod.ts';

const start = (log = silentLogger) => {
  const clock = createVirtualClock();
  return { clock, truth: createTruth({ rules: cpuRules, clock, log }) };
};

describe('the truth', () => {
  it('lets time pass each second, until it is stopped', async () => {
    const { clock, truth } = start();
    let steps = 0;
    truth.onStep(() => {
      steps++;
    });
    await clock.advance(5000);
    expect(steps).toBe(5);
    truth.stop();
    await clock.advance(5000);
    expect(steps).toBe(5);
    expect(clock.pending).toBe(0);
  });

  it('tells all who listen of one step before it takes the next, though one of them observes something', () => {
    const { truth } = start();
    const heard: string[] = [];
    truth.onStep((now) => {
      heard.push(`first ${now.reason}`);
      if (now.reason === 'NotLoaded') truth.observe({ kind: 'LoadBegan' });
    });
    const stop = truth.onStep((now, before) => heard.push(`second ${before.reason}-${now.reason}`));
    truth.observe(up);
    truth.observe({ kind: 'Target', target });
    expect(truth.state.reason).toBe('Loading');
    expect(heard).toEqual([
      'first TargetUnknown',
      'second Pulling-TargetUnknown',
      'first NotLoaded',
      'second TargetUnknown-NotLoaded',
      'first Loading',
      'second NotLoaded-Loading',
    ]);
    stop();
    truth.observe({ kind: 'LoadEnded' });
    expect(heard.at(-1)).toBe('first Loading');
  });

  it('outlives a listener that fails, and logs what it was', () => {
    const { log, lines } = recordLog();
    const { truth } = start(log);
    truth.onStep(() => {
      throw new Error('broken listener');
    });
    let heard = false;
    truth.onStep(() => {
      heard = true;
    });
    truth.observe(up);
    expect(heard).toBe(true);
    expect(lines.find(({ level }) => level === 'error')?.fields.err).toMatchObject({ message: 'broken listener' });
  });

  it('logs a line per change and none per step', async () => {
    const { log, lines } = recordLog();
    const { truth, clock } = start(log);
    for (const seen of becomesServing) truth.observe(seen);
    await clock.advance(10_000);
    truth.observe(refused);
    expect(lines.map(({ level, fields }) => `${level} ${fields.phase} ${fields.reason}`)).toEqual([
      'info RuntimeUp TargetUnknown',
      'info RuntimeUp NotLoaded',
      'info Loading Loading',
      'info Serving Serving',
      'warn Degraded RuntimeDown',
    ]);
    expect(lines.at(-1)?.fields).toMatchObject({ before: 'Serving', afterSeconds: 10 });
  });
});
