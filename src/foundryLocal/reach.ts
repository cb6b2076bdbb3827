// Whether the catalog can be reached at all. The core itself would find out after more than a minute, and says little then.
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect, isIP, type Socket } from 'node:net';
import { connect as shakeHands } from 'node:tls';
import { PullError } from '../models/errors.ts';
import { createProxyFor, type ProxySettings } from '../models/proxies.ts';

/** Where the core of 1.2.3 asks for models. */
export const CATALOG = new URL('https://api.catalog.azureml.ms');

const LIMIT_MS = 10_000;

export interface ReachOptions {
  readonly proxies: ProxySettings;
  readonly signal: AbortSignal;
  /** Of the whole way; default 10 s. */
  readonly limitMs?: number;
}

const portOf = ({ port, protocol }: URL): number => Number(port) || (protocol === 'https:' ? 443 : 80);
const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[(.*)\]$/, '$1');

async function connected(to: URL, signal: AbortSignal): Promise<Socket> {
  const socket = connect({ host: hostOf(to), port: portOf(to), signal });
  await once(socket, 'connect', { signal });
  return socket;
}

function credentialsOf({ username, password }: URL): Record<string, string> {
  if (!username) return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** undefined where the proxy answers that it will not: the core asks again, and has the words for it. */
async function tunnelThrough(proxy: URL, target: URL, signal: AbortSignal): Promise<Socket | undefined> {
  const host = `${target.hostname}:${portOf(target)}`;
  const asking = request({
    method: 'CONNECT',
    host: hostOf(proxy),
    port: portOf(proxy),
    path: host,
    headers: { host, ...credentialsOf(proxy) },
    agent: false,
    signal,
  });
  asking.end();
  const [{ statusCode }, socket] = (await once(asking, 'connect', { signal })) as [IncomingMessage, Socket];
  if (statusCode === 200) return socket;
  socket.destroy();
  return undefined;
}

/**
 * Goes the way that the core will go, up to where the catalog could be asked, and asks nothing. Whose certificate it is does not matter
 * here, since nothing is said to it; the core checks that.
 */
async function goThere(target: URL, proxy: URL | undefined, signal: AbortSignal): Promise<void> {
  const tunnels = proxy?.protocol === 'http:' && target.protocol === 'https:';
  const socket = await (tunnels ? tunnelThrough(proxy, target, signal) : connected(proxy ?? target, signal));
  if (!socket) return;
  socket.on('error', () => undefined); // the one below tells it
  try {
    if (target.protocol !== 'https:' || (proxy && !tunnels)) return;
    const name = hostOf(target);
    const secure = shakeHands({ socket, rejectUnauthorized: false, ...(isIP(name) === 0 && { servername: name }) });
    secure.on('error', () => undefined); // also when it is torn down
    await once(secure, 'secureConnect', { signal });
  } finally {
    socket.destroy();
  }
}

/** Rejects with a PullError `Unreachable` that says what to open, or with the reason of the signal. */
export async function refuseUnreachable(target: URL, options: ReachOptions): Promise<void> {
  const { proxies, signal, limitMs = LIMIT_MS } = options;
  signal.throwIfAborted();
  const proxy = createProxyFor(proxies)(target);
  const limit = AbortSignal.timeout(limitMs);
  try {
    await goThere(target, proxy, AbortSignal.any([signal, limit]));
  } catch (error) {
    signal.throwIfAborted();
    const what = proxy ? `the proxy ${proxy.host} for the catalog` : `the catalog ${target.host}`;
    const problem = limit.aborted ? `no answer within ${limitMs / 1000} s` : wordsOf(error);
    throw new PullError(
      'Unreachable',
      `${what} cannot be reached: ${problem}; let the pod out to it, or bring the model by source.volume or source.image`,
      { cause: error },
    );
  }
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
