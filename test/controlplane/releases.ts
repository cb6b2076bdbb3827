// Where the projects themselves publish the binaries, and where each says what its checksum is.
import { execFile } from 'node:child_process';
import { chmod, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DownloadError, type Downloader } from './download.ts';
import { type Part, type PartName, versions } from './versions.ts';

export interface Origins {
  kubernetes: string;
  github: string;
  githubApi: string;
  helm: string;
}

const officialOrigins: Origins = {
  kubernetes: 'https://dl.k8s.io',
  github: 'https://github.com',
  githubApi: 'https://api.github.com',
  helm: 'https://get.helm.sh',
};

/** The official origins, or the mirrors that the environment names. */
export const originsFrom = (env: NodeJS.ProcessEnv): Origins => ({
  kubernetes: env.LMO_CONTROLPLANE_KUBERNETES_URL || officialOrigins.kubernetes,
  github: env.LMO_CONTROLPLANE_GITHUB_URL || officialOrigins.github,
  githubApi: env.LMO_CONTROLPLANE_GITHUB_API_URL || officialOrigins.githubApi,
  helm: env.LMO_CONTROLPLANE_HELM_URL || officialOrigins.helm,
});

interface Asset {
  program: Part['programs'][number];
  url: string;
  checksum: (download: Downloader) => Promise<string>;
  /** The path inside a tar.gz, where the asset is one. */
  member?: string;
}

const architectures: Partial<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

const hexadecimal = /^[0-9a-f]{64}$/;

function expectDigest(found: string | undefined, where: string): string {
  if (found && hexadecimal.test(found)) return found;
  throw new DownloadError('checksum', `${where} names no SHA-256 to check against`);
}

/** A file that holds nothing but the digest. */
const ownFile = (url: string) => async (download: Downloader) =>
  expectDigest((await download.text(url)).trim().split(/\s+/)[0], url);

/** A line `digest  name` in a list. */
const listed = (url: string, name: string) => async (download: Downloader) => {
  const lines = (await download.text(url)).split('\n').map((line) => line.trim().split(/\s+\*?/));
  return expectDigest(lines.find((line) => line[1] === name)?.[0], url);
};

/** GitHub computes a digest of every release asset and tells it in its API; kwok publishes no list of its own. */
const ofReleaseAsset = (url: string, name: string) => async (download: Downloader) => {
  const release = JSON.parse(await download.text(url)) as { assets?: { name?: string; digest?: string | null }[] };
  const digest = release.assets?.find((asset) => asset.name === name)?.digest;
  return expectDigest(digest?.replace(/^sha256:/, ''), url);
};

function assetsOf({ name, programs }: Part, origins: Origins, arch: string): Asset[] {
  const tables: Record<PartName, () => Asset[]> = {
    kubernetes: () =>
      programs.map((program) => {
        const url = `${origins.kubernetes}/v${versions.kubernetes}/bin/linux/${arch}/${program}`;
        return { program, url, checksum: ownFile(`${url}.sha256`) };
      }),
    etcd: () => {
      const folder = `etcd-v${versions.etcd}-linux-${arch}`;
      const base = `${origins.github}/etcd-io/etcd/releases/download/v${versions.etcd}`;
      const checksum = listed(`${base}/SHA256SUMS`, `${folder}.tar.gz`);
      return [{ program: 'etcd', url: `${base}/${folder}.tar.gz`, checksum, member: `${folder}/etcd` }];
    },
    kwok: () => {
      const file = `kwok-linux-${arch}`;
      const release = `kubernetes-sigs/kwok/releases`;
      const checksum = ofReleaseAsset(`${origins.githubApi}/repos/${release}/tags/v${versions.kwok}`, file);
      return [{ program: 'kwok', url: `${origins.github}/${release}/download/v${versions.kwok}/${file}`, checksum }];
    },
    helm: () => {
      const url = `${origins.helm}/helm-v${versions.helm}-linux-${arch}.tar.gz`;
      return [{ program: 'helm', url, checksum: ownFile(`${url}.sha256`), member: `linux-${arch}/helm` }];
    },
  };
  return tables[name]();
}

/** Whether there are official binaries of all programs for this system: kube-apiserver is published for Linux only. */
export const isPublishedFor = (platform: string, architecture: string): boolean =>
  platform === 'linux' && architectures[architecture] !== undefined;

/** Fetches the programs of a part into `folder`. Rejects with DownloadError. */
export async function downloadPart(
  part: Part,
  folder: string,
  { download, origins, architecture, onBytes }: DownloadContext,
): Promise<void> {
  const arch = architectures[architecture] ?? architecture;
  for (const { program, url, checksum, member } of assetsOf(part, origins, arch)) {
    const path = join(folder, program);
    const fetched = member ? `${path}.tar.gz` : path;
    await download.file(url, fetched, await checksum(download), onBytes);
    if (member) await unpack(fetched, folder, member);
    await chmod(path, 0o755);
  }
}

export interface DownloadContext {
  download: Downloader;
  origins: Origins;
  architecture: string;
  onBytes: (count: number) => void;
}

async function unpack(archive: string, folder: string, member: string): Promise<void> {
  await promisify(execFile)('tar', ['-xzf', archive, '-C', folder, '--strip-components=1', member]);
  await rm(archive);
}
