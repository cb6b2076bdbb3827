// Whether the catalog can be reached at all. The core itself would find out after more than a minute, and says little then.
import { connect } from 'node:net';
import { PullError } from '../models/errors.ts';
import { createProxyFor, type ProxySettings } from '../models/proxies.ts';

/** Where the core of 1.2.3 asks for models. */
export const CATALOG = new URL('https://api.catalog.azureml.ms');

const LIMIT_MS = 10_000;

export interface ReachOptions {
  readonly proxies: ProxySettings;
  readonly signal: AbortSignal;
  /** Default 10 s. */
  readonly limitMs?: number;
}

const portOf = ({ port, protocol }: URL): number => Number(port) || (protocol === 'https:' ? 443 : 80);

function tryConnect(
  host: string,
  port: number,
  { signal, limitMs = LIMIT_MS }: ReachOptions,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: limitMs });
    const end = (problem?: string) => {
      signal.removeEventListener('abort', stop);
      socket.destroy();
      resolve(problem);
    };
    const stop = () => end();
    signal.addEventListener('abort', stop, { once: true });
    socket.once('connect', () => end());
    socket.once('timeout', () => end(`no answer within ${limitMs / 1000} s`));
    socket.once('error', ({ message }) => end(message));
  });
}

/** Rejects with a PullError `Unreachable` that says what to open, or with the reason of the signal. */
export async function refuseUnreachable(target: URL, options: ReachOptions): Promise<void> {
  options.signal.throwIfAborted();
  const proxy = createProxyFor(options.proxies)(target);
  const asked = proxy ?? target;
  const problem = await tryConnect(asked.hostname.replace(/^\[(.*)\]$/, '$1'), portOf(asked), options);
  options.signal.throwIfAborted();
  if (problem === undefined) return;
  const what = proxy ? `the proxy ${proxy.host} for the catalog` : `the catalog ${target.host}`;
  throw new PullError(
    'Unreachable',
    `${what} cannot be reached: ${problem}; let the pod out to it, or bring the model by source.volume or source.image`,
  );
}
