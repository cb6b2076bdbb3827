// The sockets of a pull: a pool per host, straight or through a proxy, with the certificates that are trusted.
import { getCACertificates } from 'node:tls';
import { Agent, type Dispatcher, ProxyAgent } from 'undici';
import { createProxyFor, type ProxySettings } from './proxies.ts';

export interface NetworkSettings {
  /** PEM, trusted beside the public certificates. */
  readonly ca?: string | undefined;
  readonly proxies?: ProxySettings | undefined;
  /** To one host at a time; default 16. */
  readonly connectionsPerHost?: number;
}

export interface Connections {
  dispatcherFor(url: URL): Dispatcher;
  /** Cuts everything that is still open. */
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 15_000;

/** Opens none before the first request. Throws a PullError for proxies that cannot be used. */
export function createConnections({ ca, proxies = {}, connectionsPerHost = 16 }: NetworkSettings = {}): Connections {
  const proxyFor = createProxyFor(proxies);
  const tls = ca === undefined ? {} : { ca: [...getCACertificates('default'), ca] };
  const options = {
    connections: connectionsPerHost,
    // Several streams in one connection share its window, which is what several connections are meant to avoid.
    allowH2: false,
    // All limits are on the clock that we were given.
    headersTimeout: 0,
    bodyTimeout: 0,
  };
  const direct = new Agent({ ...options, connect: { ...tls, timeout: CONNECT_TIMEOUT_MS } });
  const throughProxy = new Map<string, ProxyAgent>();

  const agentFor = (proxy: URL) => {
    const open = throughProxy.get(proxy.href);
    if (open) return open;
    const agent = new ProxyAgent({
      ...options,
      uri: proxy.href,
      requestTls: { ...tls, timeout: CONNECT_TIMEOUT_MS },
      proxyTls: { ...tls, timeout: CONNECT_TIMEOUT_MS },
    });
    throughProxy.set(proxy.href, agent);
    return agent;
  };

  return {
    dispatcherFor(url) {
      const proxy = proxyFor(url);
      return proxy ? agentFor(proxy) : direct;
    },
    close: async () => void (await Promise.all([direct, ...throughProxy.values()].map((agent) => agent.destroy()))),
  };
}
