// Which proxy a request goes through, by the variables that every tool reads, with the rules of Go's net/http (which Ollama
// follows) and CIDR blocks in NO_PROXY, since that is what cluster admins write there.
import { BlockList, isIP, isIPv6 } from 'node:net';
import { PullError } from './errors.ts';

export interface ProxySettings {
  readonly httpProxy?: string | undefined;
  readonly httpsProxy?: string | undefined;
  readonly noProxy?: string | undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** The proxy for a URL; undefined: none. */
export type ProxyFor = (url: URL) => URL | undefined;

/** Capital letters count first, as in Go. */
export const proxySettings = (env: Environment): ProxySettings => ({
  httpProxy: env.HTTP_PROXY || env.http_proxy,
  httpsProxy: env.HTTPS_PROXY || env.https_proxy,
  noProxy: env.NO_PROXY || env.no_proxy,
});

/** Throws a PullError `Unreachable` for a variable that cannot be read; its value may hold a password and is not repeated. */
export function createProxyFor({ httpProxy, httpsProxy, noProxy = '' }: ProxySettings): ProxyFor {
  const http = proxyUrl(httpProxy, 'HTTP_PROXY');
  const https = proxyUrl(httpsProxy, 'HTTPS_PROXY');
  const exempt = noProxy
    .split(/[,\s]+/)
    .filter(Boolean)
    .map(exemption);
  return (url) => {
    const proxy = url.protocol === 'https:' ? https : http;
    if (!proxy) return undefined;
    const target = targetOf(url);
    return isLocal(target.host) || exempt.some((matches) => matches(target)) ? undefined : proxy;
  };
}

function proxyUrl(text: string | undefined, variable: string): URL | undefined {
  if (!text) return undefined;
  const url = URL.parse(text.includes('://') ? text : `http://${text}`);
  if (!url || !/^https?:$/.test(url.protocol))
    throw new PullError('Unreachable', `the variable ${variable} holds no http or https URL`);
  return url;
}

interface Target {
  /** Lower case, without the brackets of IPv6 and without a dot at the end. */
  host: string;
  port: string;
}

const bare = (host: string) =>
  host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');

const targetOf = ({ hostname, port, protocol }: URL): Target => ({
  host: bare(hostname),
  port: port || (protocol === 'https:' ? '443' : '80'),
});

const isLocal = (host: string) =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

type Exemption = (target: Target) => boolean;

/** `*`, `10.0.0.0/8`, `10.0.0.1`, `.example.org` and `*.example.org` (what is below), `example.org` (itself and what is below); each may have a port. */
function exemption(entry: string): Exemption {
  if (entry === '*') return () => true;
  const block = blockOf(entry);
  if (block) return ({ host }) => isIP(host) !== 0 && block.check(host, family(host));
  const [, name = '', port] = isIPv6(entry) ? ['', entry] : (/^(.+?)(?::(\d+))?$/.exec(entry) ?? []);
  const host = bare(name.replace(/^\*\./, '.'));
  const suffix = host.startsWith('.') ? host : `.${host}`;
  const matches = (other: string) => other === host || (isIP(other) === 0 && other.endsWith(suffix));
  return (target) => (port === undefined || port === target.port) && matches(target.host);
}

const family = (address: string) => (isIPv6(address) ? 'ipv6' : 'ipv4');

function blockOf(entry: string): BlockList | undefined {
  const [, network = '', bits = ''] = /^(.+)\/(\d{1,3})$/.exec(entry) ?? [];
  if (isIP(network) === 0 || Number(bits) > (isIPv6(network) ? 128 : 32)) return undefined;
  const block = new BlockList();
  block.addSubnet(network, Number(bits), family(network));
  return block;
}
