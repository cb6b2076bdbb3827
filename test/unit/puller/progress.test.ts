import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/models/digest.ts';
import { layerMediaTypes } from '../../../src/models/manifest.ts';
import { createProgress } from '../../../src/puller/progress.ts';
import { type ProgressReport, progressReport } from '../../../src/puller/progressReport.ts';
import { createVirtualClock } from '../virtualClock.ts';

const weights = { mediaType: layerMediaTypes.model, digest: digestOf('weights'), size: 1_000 };
const template = { mediaType: layerMediaTypes.template, digest: digestOf('template'), size: 24 };

function setUp() {
  const clock = createVirtualClock();
  const reports: ProgressReport[] = [];
  const times: number[] = [];
  const sink = (report: ProgressReport) => {
    reports.push(report);
    times.push(clock.monotonic());
  };
  const progress = createProgress({ revision: 'r1', reference: 'tiny', clock, sinks: [sink] });
  return { clock, reports, times, progress };
}

describe('progress', () => {
  it('counts the layers of a phase, with rate and time left', async () => {
    const { clock, reports, progress } = setUp();
    progress.begin('Fetching', { layers: [weights, template] });
    progress.layer(template.digest, 24, 0);
    progress.fetched(100);
    progress.layer(weights.digest, 100, 100);
    await clock.advance(1_000);
    progress.fetched(100);
    progress.layer(weights.digest, 200, 100);
    await clock.advance(1_000);
    const last = reports.at(-1);
    expect(progressReport.parse(last)).toEqual(last);
    expect(last).toMatchObject({
      phase: 'Fetching',
      completedBytes: 224,
      totalBytes: 1_024,
      fetchedBytes: 200,
      layers: [
        { digest: weights.digest, kind: 'model', sizeBytes: 1_000, completedBytes: 200 },
        { digest: template.digest, kind: 'template', sizeBytes: 24, completedBytes: 24 },
      ],
    });
    await clock.advance(5_000);
    const rate = reports.at(-1)?.bytesPerSecond ?? 0;
    expect(rate).toBeGreaterThan(20);
    expect(reports.at(-1)?.etaSeconds).toBe(Math.ceil(800 / (200 / 6)));
  });

  it('goes back when what had arrived was wrong', async () => {
    const { clock, reports, progress } = setUp();
    progress.begin('Fetching', { layers: [weights] });
    progress.layer(weights.digest, 900, 900);
    progress.layer(weights.digest, 0, 0);
    await clock.advance(1_000);
    expect(reports.at(-1)).toMatchObject({ completedBytes: 0, totalBytes: 1_000 });
  });

  it('is told at once, then at most twice a second, whatever happens', async () => {
    const { clock, times, progress } = setUp();
    progress.begin('Fetching', { layers: [weights] });
    await clock.settle();
    expect(times).toEqual([0]);
    for (let step = 1; step <= 1_000; step++) {
      progress.layer(weights.digest, step, 1);
      await clock.advance(10);
    }
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(500);
    expect(times.length).toBeGreaterThan(15);
  });

  it('is told every 5 s when nothing happens, so that a stall shows', async () => {
    const { clock, times, reports, progress } = setUp();
    progress.begin('Fetching', { layers: [weights] });
    progress.layer(weights.digest, 500, 500);
    await clock.advance(30_000);
    expect(times.length).toBe(7);
    expect(reports.at(-1)?.bytesPerSecond).toBe(0);
    expect(reports.at(-1)?.etaSeconds).toBeUndefined();
  });

  it('waits for a slow sink instead of piling up', async () => {
    const clock = createVirtualClock();
    let open = 0;
    let most = 0;
    const progress = createProgress({
      revision: 'r1',
      reference: 'tiny',
      clock,
      sinks: [
        async () => {
          most = Math.max(most, ++open);
          await new Promise<void>((resolve) => void clock.after(3_000, resolve));
          open -= 1;
        },
      ],
    });
    progress.begin('Fetching', { layers: [weights] });
    for (let step = 1; step <= 100; step++) {
      progress.layer(weights.digest, step, 1);
      await clock.advance(100);
    }
    expect(most).toBe(1);
  });

  it('ends with the reason and the model, and says nothing after that', async () => {
    const { clock, reports, progress } = setUp();
    progress.begin('Verifying', { layers: [weights] });
    progress.serve({ name: 'x', digest: 'sha256:1', sourceDigest: 'sha256:2', sizeBytes: 3 });
    await progress.end('Done', 'Done', 'all is well');
    expect(reports.at(-1)).toMatchObject({
      phase: 'Done',
      reason: 'Done',
      message: 'all is well',
      model: { name: 'x' },
    });
    const told = reports.length;
    await clock.advance(60_000);
    expect(reports).toHaveLength(told);
    expect(clock.pending).toBe(0);
  });

  it('shows the largest layers of many', async () => {
    const { reports, progress } = setUp();
    const layers = Array.from({ length: 300 }, (_, index) => ({
      ...weights,
      digest: digestOf(String(index)),
      size: index,
    }));
    progress.begin('Fetching', { layers });
    await progress.end('Done', 'Done', '');
    expect(reports.at(-1)?.layers).toHaveLength(64);
    expect(reports.at(-1)?.layers[0]?.sizeBytes).toBe(236);
    expect(reports.at(-1)?.totalBytes).toBe((300 * 299) / 2);
  });
});
