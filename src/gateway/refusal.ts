// Why nobody is let in now, worded for clients.
import { GatewayError } from './errors.ts';
import type { PodView } from './podView.ts';

/** A load takes seconds to minutes, and a client that asks again costs nothing. */
const NOT_READY_RETRY_SECONDS = 5;
/** Another pod can take it at once. */
const DRAINING_RETRY_SECONDS = 1;

export const notReady = (why: string): GatewayError =>
  new GatewayError('NotReady', `the model is not being served now; ${why}`, {
    retryAfterSeconds: NOT_READY_RETRY_SECONDS,
  });

/** For admission; undefined while the door is open. */
export function refusalOf(view: Pick<PodView, 'door' | 'why'>): GatewayError | undefined {
  switch (view.door()) {
    case 'Open':
      return undefined;
    case 'NotReady':
      return notReady(view.why());
    case 'Draining':
      return new GatewayError('Draining', 'the pod is being stopped; ask again, another one answers', {
        retryAfterSeconds: DRAINING_RETRY_SECONDS,
      });
  }
}
