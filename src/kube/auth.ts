// Where the API server is, and what proves who we are: from the mounted service account, or from a kubeconfig.
import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import type { Clock } from '../process/clock.ts';
import { perishable } from './perishable.ts';

export interface TlsOptions {
  ca?: string | Buffer;
  cert?: string | Buffer;
  key?: string | Buffer;
  rejectUnauthorized?: boolean;
  servername?: string;
}

export interface Credentials {
  headers: Record<string, string>;
  /** The same object for as long as nothing in it has changed: another one means new connections. */
  tls: TlsOptions;
}

export interface Auth {
  /** Base URL without a slash at its end. */
  readonly server: string;
  /** The namespace we run in, or that the kubeconfig's context names. */
  readonly namespace?: string;
  /** Cheap while they are fresh. Rejects when a file cannot be read or a plugin fails. */
  credentials(): Promise<Credentials>;
  /** The API server has refused these (401): the next call gets new ones. Told twice of the same, it acts once. */
  refuse(credentials: Credentials): void;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export interface AuthOptions {
  env: Environment;
  clock: Clock;
  /** Path of a kubeconfig, ahead of everything that the environment says. */
  kubeconfig?: string;
  /** A context of the kubeconfig; default: its current one. */
  context?: string;
  /** Where the service account is mounted. */
  serviceAccount?: string;
}

const mountedAt = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Looks where controller-runtime looks, in its order: `kubeconfig`, KUBECONFIG, the mounted service account,
 * ~/.kube/config. Rejects when none of them is there, or when the one that is there cannot be read.
 */
export async function loadAuth(options: AuthOptions): Promise<Auth> {
  const { env, clock, kubeconfig, context, serviceAccount = mountedAt } = options;
  const chosen = kubeconfig ?? env.KUBECONFIG;
  if (!chosen && env.KUBERNETES_SERVICE_HOST) return inClusterAuth({ env, clock, serviceAccount });
  const paths = chosen || (env.HOME && join(env.HOME, '.kube', 'config'));
  if (!paths) throw new Error('not in a cluster, and neither KUBECONFIG nor HOME is set');
  // Only now: @kubernetes/client-node takes a process with this transport from 106 MB resident to 164 (Node 26, not bundled),
  // and in a cluster nobody needs it.
  const { kubeconfigAuth } = await import('./kubeconfig.ts');
  return kubeconfigAuth({ paths, env, clock, ...(context && { context }) });
}

// The kubelet rotates the token long before it ends; client-go reads the file once a minute as well.
const tokenFreshMs = 60_000;
// After a read that failed: soon enough to matter, and not with every request.
const tokenRetryMs = 10_000;

/** The service account of the pod we run in. Its files are read anew each minute and after a 401. */
async function inClusterAuth(options: { env: Environment; clock: Clock; serviceAccount: string }): Promise<Auth> {
  const { env, clock, serviceAccount } = options;
  const read = async (file: string) => (await readFile(join(serviceAccount, file), 'utf8')).trim();

  const load = async (): Promise<Credentials> => {
    const [token, ca] = await Promise.all([read('token'), read('ca.crt')]);
    return { headers: { authorization: `Bearer ${token}` }, tls: { ca } };
  };
  const credentials = perishable<Credentials>({
    clock,
    async load(previous) {
      try {
        const next = await load();
        const value = previous?.tls.ca === next.tls.ca ? { ...next, tls: previous?.tls ?? next.tls } : next;
        return { value, freshForMs: tokenFreshMs };
      } catch (error) {
        // The old token may well be good still: let the API server decide.
        if (previous) return { value: previous, freshForMs: tokenRetryMs };
        throw error;
      }
    },
  });
  await credentials.get(); // so that a missing mount shows at the start
  const namespace = await read('namespace').catch(() => undefined);
  return {
    server: serverOf(env),
    ...(namespace && { namespace }),
    credentials: credentials.get,
    refuse: credentials.discard,
  };
}

function serverOf({ KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '443' }: Environment): string {
  return `https://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
