// A kubeconfig as the proof of who we are. Costs the memory of @kubernetes/client-node, so `auth.ts` imports it late.
import { delimiter } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Cluster, KubeConfig, type User } from '@kubernetes/client-node';
import type { Clock } from '../process/clock.ts';
import type { Auth, Credentials, Environment, TlsOptions } from './auth.ts';
import { type ExecCredential, execConfig, runExecPlugin } from './execPlugin.ts';
import { type Loaded, perishable } from './perishable.ts';

export interface KubeconfigOptions {
  /** One path, or several with the platform's path delimiter between them, as in KUBECONFIG. */
  paths: string;
  context?: string;
  /** What exec plugins run with. */
  env: Environment;
  clock: Clock;
}

// Certificates and tokens in files may be replaced under us; OIDC tokens are renewed by client-node when we ask it.
const freshMs = 60_000;
// Plugins without an expiry are good until refused; a day keeps the number finite.
const unlimitedMs = 24 * 3_600_000;
const expiryMarginMs = 60_000;

/** Rejects when the kubeconfig cannot be read or names no cluster. After a 401 it is read again as a whole. */
export async function kubeconfigAuth(options: KubeconfigOptions): Promise<Auth> {
  const { clock } = options;
  let config: KubeConfig | undefined = readKubeconfig(options);
  const { server } = clusterOf(config);
  const namespace = config.getContextObject(config.getCurrentContext())?.namespace;
  const credentials = perishable<Credentials>({
    clock,
    async load(previous) {
      config ??= readKubeconfig(options);
      const loaded = await credentialsOf(config, options);
      const { headers, tls } = loaded.value;
      const unchanged = previous && isDeepStrictEqual(previous.tls, tls);
      return { ...loaded, value: { headers, tls: unchanged ? previous.tls : tls } };
    },
  });
  return {
    server,
    ...(namespace && { namespace }),
    credentials: credentials.get,
    refuse(refused) {
      config = undefined;
      credentials.discard(refused);
    },
  };
}

/** Merged as kubectl merges: of two entries with one name, and of two current contexts, the first counts. */
function readKubeconfig({ paths, context }: KubeconfigOptions): KubeConfig {
  const merged = new KubeConfig();
  for (const path of paths.split(delimiter).filter(Boolean)) {
    const { clusters, users, contexts, currentContext } = read(path);
    merged.loadFromOptions({
      clusters: withoutDoubles([...merged.clusters, ...clusters]),
      users: withoutDoubles([...merged.users, ...users]),
      contexts: withoutDoubles([...merged.contexts, ...contexts]),
      currentContext: merged.currentContext || currentContext,
    });
  }
  if (context) merged.setCurrentContext(context);
  return merged;
}

function read(path: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromFile(path);
  return config;
}

const withoutDoubles = <T extends { name: string }>(entries: T[]): T[] =>
  entries.filter(({ name }, index) => entries.findIndex((entry) => entry.name === name) === index);

function clusterOf(config: KubeConfig): Cluster {
  const cluster = config.getCurrentCluster();
  if (!cluster)
    throw new Error(`the kubeconfig has no cluster for its context ${config.getCurrentContext() || '(none)'}`);
  if (cluster.proxyUrl) throw new Error(`cluster ${cluster.name}: proxy-url in a kubeconfig is not supported`);
  return cluster;
}

async function credentialsOf(config: KubeConfig, { env, clock }: KubeconfigOptions): Promise<Loaded<Credentials>> {
  const cluster = clusterOf(config);
  const user = config.getCurrentUser() ?? { name: 'anonymous' };
  // client-node runs a plugin anew for each of several calls at once, and uses its token to the last millisecond.
  if (!user.exec) return { value: await withoutPlugin(cluster, user), freshForMs: freshMs };
  const { exec, ...rest } = user;
  const plugin = await runExecPlugin(execConfig.parse(exec), env);
  const { headers, tls } = await withoutPlugin(cluster, rest);
  const value = { headers: { ...headers, ...pluginHeaders(plugin) }, tls: { ...tls, ...pluginTls(plugin) } };
  return { value, freshForMs: freshFor(plugin, clock.now()) };
}

const pluginHeaders = ({ token }: ExecCredential): Record<string, string> =>
  token ? { authorization: `Bearer ${token}` } : {};

const pluginTls = ({ clientCertificateData: cert, clientKeyData: key }: ExecCredential): TlsOptions =>
  cert && key ? { cert, key } : {};

function freshFor({ expiresAt }: ExecCredential, now: number): number {
  if (expiresAt === undefined) return unlimitedMs;
  const left = Math.max(0, expiresAt - now);
  return left - Math.min(expiryMarginMs, left / 4); // so that short-lived tokens are not renewed with every request
}

/** Certificates, static tokens, basic auth, OIDC and impersonation, as client-node reads them. */
async function withoutPlugin(cluster: Cluster, user: User): Promise<Credentials> {
  const config = new KubeConfig();
  // client-node refuses plain HTTP unless TLS is not to be verified; `kubectl proxy` is plain HTTP.
  const skipTLSVerify = cluster.skipTLSVerify || cluster.server.startsWith('http:');
  config.loadFromClusterAndUser({ ...cluster, skipTLSVerify }, user);
  const options: Parameters<KubeConfig['applyToHTTPSOptions']>[0] = {};
  await config.applyToHTTPSOptions(options);
  const { ca, cert, key, rejectUnauthorized, servername, headers, auth } = options as Applied;
  const basic: Record<string, string> = auth ? { authorization: `Basic ${Buffer.from(auth).toString('base64')}` } : {};
  return {
    headers: { ...basic, ...lowerCased(headers ?? {}) },
    tls: {
      ...(ca && { ca }),
      ...(cert && { cert }),
      ...(key && { key }),
      ...(servername && { servername }),
      ...(rejectUnauthorized !== undefined && { rejectUnauthorized }),
    },
  };
}

/** The part of https.RequestOptions that `applyToHTTPSOptions` fills. */
interface Applied extends TlsOptions {
  headers?: Record<string, string>;
  auth?: string;
}

const lowerCased = (headers: Record<string, string>) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
