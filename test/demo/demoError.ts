// What a person has to be told in a sentence, and nothing of where in the code it came up.
import { type Patience, waitFor } from '../controlplane/wait.ts';

/** Something is in the way, or did not happen; the message says what. */
export class DemoError extends Error {
  override name = 'DemoError';
}

/** As waitFor, but rejects with DemoError, or with the reason of the signal. */
export async function patiently<T>(what: string, look: () => Promise<T | undefined>, patience: Patience): Promise<T> {
  try {
    return await waitFor(what, look, patience);
  } catch (error) {
    patience.signal?.throwIfAborted();
    throw new DemoError(error instanceof Error ? error.message : String(error));
  }
}
