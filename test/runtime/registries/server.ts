// Starts a real registry that is not ours on 127.0.0.1: with or without a password or tokens, over TLS with a CA of its own.
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, fetch } from 'undici';
import { type Certificate, createAuthority, issueCertificate } from '../../controlplane/certificates.ts';
import { freePort } from '../../controlplane/ports.ts';
import { onPort, type Program, startProgram } from '../program.ts';
import type { RegistryBinaries } from './binaries.ts';
import { basicAuthorization, htpasswd, registryCredentials } from './credentials.ts';
import { startTokenService, type TokenService } from './tokens.ts';

export interface RegistryOptions {
  binaries: RegistryBinaries;
  /** gcr: go-containerregistry's pkg/registry. distribution: the CNCF's, known as registry:3. */
  kind: 'gcr' | 'distribution';
  /** Default: none. `bearer` is a token service beside it, which only distribution can do. */
  auth?: 'none' | 'basic' | 'bearer';
  /** Default: plain HTTP. */
  tls?: boolean;
  /** Sends the headers without which Ollama's own client cannot pull or push; only gcr can. Default false. */
  ollama?: boolean;
  /** Blobs come from another host that it redirects to, as Ollama's own registry does; only gcr can. Default false. */
  redirects?: boolean;
  /** Milliseconds until a registry that does not answer is given up; default 60 s. */
  deadlineMs?: number;
}

export interface RunningRegistry extends Program {
  /** 127.0.0.1:port, the host part of a reference. */
  readonly host: string;
  /** http(s)://127.0.0.1:port */
  readonly url: string;
  /** PEM of the authority that signed its certificate; absent without TLS. */
  readonly ca?: string;
  /** Trusts `ca`. */
  readonly dispatcher: Agent;
  readonly tokens?: TokenService;
  /** Headers with which everything is allowed in that repository, such as library/tiny. */
  authorization(repository: string): Record<string, string>;
}

type Auth = NonNullable<RegistryOptions['auth']>;

/** What a registry is started with. */
interface Layout {
  binaries: RegistryBinaries;
  auth: Auth;
  ollama: boolean;
  redirects: boolean;
  folder: string;
  /** Empty, for blobs. */
  data: string;
  host: string;
  /** Paths of PEM files. */
  certificate?: Certificate;
  tokens?: TokenService;
}

type Launch = { program: string; argv: string[]; env: Record<string, string> };

function refuseImpossible({ kind, auth, ollama, redirects }: RegistryOptions): void {
  if (kind === 'gcr' && auth === 'bearer') throw new Error('gcr knows no tokens');
  if (kind === 'distribution' && ollama) throw new Error('distribution cannot send the headers that Ollama wants');
  if (kind === 'distribution' && redirects) throw new Error('distribution redirects to clouds only');
}

/** Resolves when it answers. Rejects with the last lines of its log. */
export async function startRegistry(options: RegistryOptions): Promise<RunningRegistry> {
  refuseImpossible(options);
  const { binaries, kind, auth = 'none', tls = false, deadlineMs = 60_000 } = options;
  const { ollama = false, redirects = false } = options;
  const authority = tls ? createAuthority('test registry', Date.now()) : undefined;
  const pair = authority && issueCertificate(authority, serving, Date.now());
  const tokens = auth === 'bearer' ? await startTokenService(pair ? { certificate: pair } : {}) : undefined;
  const dispatcher = new Agent(authority ? { connect: { ca: authority.cert } } : {});
  const close = async () => void (await Promise.all([dispatcher.destroy(), tokens?.stop()]));
  const start = async (port: number) => {
    const host = `127.0.0.1:${port}`;
    const url = `${tls ? 'https' : 'http'}://${host}`;
    const place = await makeFolder(pair);
    const layout: Layout = { ...place, binaries, auth, ollama, redirects, host, ...(tokens && { tokens }) };
    const launch = kind === 'gcr' ? await launchGcr(layout) : await launchDistribution(layout);
    const answers = async () => [200, 401].includes((await fetch(`${url}/v2/`, { dispatcher })).status);
    const program = await startProgram({ name: kind, ...launch, folder: place.folder, answers, deadlineMs });
    return { ...program, host, url };
  };
  try {
    const running = await onPort(undefined, start);
    return {
      ...running,
      dispatcher,
      ...(authority && { ca: authority.cert }),
      ...(tokens && { tokens }),
      authorization: (repository) => authorization(auth, tokens, repository),
      stop: async () => {
        await running.stop();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const serving = { commonName: 'registry', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] };

function authorization(auth: Auth, tokens: TokenService | undefined, name: string): Record<string, string> {
  if (tokens) {
    const access = { type: 'repository', name, actions: ['pull', 'push'] };
    return { authorization: `Bearer ${tokens.mint([access])}` };
  }
  return auth === 'basic' ? { authorization: basicAuthorization() } : {};
}

async function makeFolder(pair?: Certificate): Promise<Pick<Layout, 'folder' | 'data' | 'certificate'>> {
  const folder = await mkdtemp(join(tmpdir(), 'lmo-registry-'));
  const data = join(folder, 'data');
  await mkdir(data);
  if (!pair) return { folder, data };
  const certificate = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
  await writeFile(certificate.cert, pair.cert);
  await writeFile(certificate.key, pair.key, { mode: 0o600 });
  return { folder, data, certificate };
}

async function launchGcr({ binaries, host, data, auth, ollama, redirects, certificate }: Layout): Promise<Launch> {
  const { username, password } = registryCredentials;
  const flags = {
    listen: host,
    folder: data,
    ...certificate,
    ...(auth === 'basic' && { user: username }),
    ...(redirects && { blobs: await freePort() }),
  };
  const argv = Object.entries(flags).map(([flag, value]) => `-${flag}=${value}`);
  return { program: binaries.gcr, argv: [...argv, `-ollama=${ollama}`], env: { REGISTRY_PASSWORD: password } };
}

/** Its configuration is YAML, of which JSON is a part (https://distribution.github.io/distribution/about/configuration/). */
async function launchDistribution({
  binaries,
  host,
  folder,
  data,
  auth,
  certificate,
  tokens,
}: Layout): Promise<Launch> {
  const [configuration, passwords, keys] = ['config.yml', 'htpasswd', 'jwks.json'].map((name) => join(folder, name));
  const rules = {
    ...(auth === 'basic' && { htpasswd: { realm: 'distribution', path: passwords } }),
    ...(tokens && { token: { realm: tokens.realm, service: tokens.service, issuer: tokens.issuer, jwks: keys } }),
  };
  const config = {
    version: '0.1',
    log: { level: 'info' },
    storage: { filesystem: { rootdirectory: data }, delete: { enabled: true } },
    http: {
      addr: host,
      secret: 'only for tests',
      ...(certificate && { tls: { certificate: certificate.cert, key: certificate.key } }),
    },
    ...(Object.keys(rules).length > 0 && { auth: rules }),
  };
  await writeFile(configuration ?? '', JSON.stringify(config));
  await writeFile(passwords ?? '', htpasswd);
  if (tokens) await writeFile(keys ?? '', tokens.jwks);
  const env = { OTEL_TRACES_EXPORTER: 'none', HOME: folder };
  return { program: binaries.distribution, argv: ['serve', configuration ?? ''], env };
}
