// So many jobs at a time, oldest first.

export interface Workers {
  add(job: () => Promise<void>): void;
  /** Resolves when `jobs` have been done; rejects with the first error of any. */
  done(jobs: number): Promise<void>;
}

export function createWorkers(limit: number): Workers {
  const waiting: (() => Promise<void>)[] = [];
  const finished = Promise.withResolvers<void>();
  finished.promise.catch(() => undefined); // seen by whoever asks
  let running = 0;
  let ended = 0;
  let wanted = Number.POSITIVE_INFINITY;

  function next(): void {
    if (ended >= wanted) finished.resolve();
    const job = running < limit ? waiting.shift() : undefined;
    if (!job) return;
    running += 1;
    job()
      .catch(finished.reject)
      .finally(() => {
        running -= 1;
        ended += 1;
        next();
      });
  }

  return {
    add(job) {
      waiting.push(job);
      next();
    },
    done(jobs) {
      wanted = jobs;
      next();
      return finished.promise;
    },
  };
}

/** Does `act` for each number below `count`, so many at a time. Rejects with the first error. */
export async function forEachAtOnce(
  count: number,
  limit: number,
  act: (index: number) => Promise<void>,
): Promise<void> {
  let index = 0;
  const worker = async () => {
    for (let mine = index++; mine < count; mine = index++) await act(mine);
  };
  await Promise.all(Array.from({ length: Math.min(limit, count) }, worker));
}
