import { describe, expect, it } from 'vitest';
import { createPackProgress } from '../../../../src/cli/pack/progress.ts';
import { createVirtualClock } from '../../virtualClock.ts';

function draw(isTTY: boolean, columns = 100) {
  const lines: string[] = [];
  const clock = createVirtualClock();
  const stream = {
    isTTY,
    columns,
    write: (text: string) => void lines.push(text.replace('\r', '').replace('\x1b[K', '')),
  };
  return { lines, clock, progress: createPackProgress(stream, clock) };
}

describe('progress', () => {
  it('says how much, how fast and how long, ten times a second at most', async () => {
    const { lines, clock, progress } = draw(true);
    progress.begin('Packing', 4096);
    progress.add(512);
    expect(lines).toEqual(['Packing  [........................]   0 %  0 B of 4.0 KiB']);
    await clock.advance(2_000);
    progress.add(512);
    progress.add(1);
    expect(lines.slice(1)).toEqual([
      'Packing  [######..................]  25 %  1.0 KiB of 4.0 KiB  512 B/s  6 s left',
    ]);
  });

  it('keeps to the width of the terminal', () => {
    const { lines, progress } = draw(true, 20);
    progress.begin('Packing', 4096);
    expect(lines[0]).toHaveLength(19);
  });

  it('is silent where nobody looks', () => {
    const { lines, progress } = draw(false);
    progress.begin('Packing', 10);
    progress.add(10);
    progress.end();
    expect(lines).toEqual([]);
  });
});
