import { describe, expect, it } from 'vitest';
import { createWriteBack } from '../../../src/models/writeBack.ts';

function setUp() {
  const ends: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const datasync = () => new Promise<void>((resolve, reject) => void ends.push({ resolve, reject }));
  return { ends, writeBack: createWriteBack({ datasync }, 100) };
}

describe('write-back', () => {
  it('syncs after so many bytes, one sync at a time', async () => {
    const { ends, writeBack } = setUp();
    writeBack.add(99);
    expect(ends).toHaveLength(0);
    writeBack.add(1);
    writeBack.add(500);
    expect(ends).toHaveLength(1);
    ends[0]?.resolve();
    await writeBack.settled();
    writeBack.add(1);
    expect(ends).toHaveLength(2);
  });

  it('tells an error of the disk, since the kernel will not tell it again', async () => {
    const { ends, writeBack } = setUp();
    writeBack.add(100);
    const error = new Error('EIO');
    ends[0]?.reject(error);
    await expect(writeBack.settled()).rejects.toBe(error);
    await expect(writeBack.settled()).rejects.toBe(error);
    expect(() => writeBack.add(1)).toThrow(error);
  });
});
