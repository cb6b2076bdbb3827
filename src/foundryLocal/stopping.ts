// Leaving what cannot be told to leave off: the core works on until its process ends, and nobody has to wait for that.

/** As `work`; but rejects with the reason of the signal as soon as that aborts, and nobody hears what becomes of the work. */
export async function unlessStopped<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const over = new AbortController();
  const stopped = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true, signal: over.signal });
  });
  try {
    return await Promise.race([work, stopped]);
  } finally {
    work.catch(() => undefined);
    over.abort();
  }
}
