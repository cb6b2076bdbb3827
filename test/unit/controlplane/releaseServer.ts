// A local stand-in for the places where the control plane's binaries are published, with faults on demand.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Origins } from '../../controlplane/releases.ts';
import { versions } from '../../controlplane/versions.ts';

export type Fault = 'wrongChecksum' | 'missing' | 'cut' | 'noDigest';

export interface ReleaseServer extends AsyncDisposable {
  origins: Origins;
  /** Paths that were asked for. */
  asked: string[];
  /** Applies to every path that contains the key. */
  faults: Map<string, Fault>;
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const program = (name: string) => Buffer.from(`#!/bin/sh\necho downloaded ${name}\n`.repeat(20));

function archiveOf(folder: string, name: string, member: string): Buffer {
  mkdirSync(join(folder, member), { recursive: true });
  writeFileSync(join(folder, member, name), program(name), { mode: 0o755 });
  writeFileSync(join(folder, member, 'README.md'), 'not wanted');
  execFileSync('tar', ['-czf', `${name}.tar.gz`, member], { cwd: folder });
  return readFileSync(join(folder, `${name}.tar.gz`));
}

/** `folder` is for scratch files. */
export async function startReleaseServer(folder: string, arch = 'amd64'): Promise<ReleaseServer> {
  const archive = archiveOf(folder, 'etcd', `etcd-v${versions.etcd}-linux-${arch}`);
  const helmArchive = archiveOf(folder, 'helm', `linux-${arch}`);
  const asked: string[] = [];
  const faults = new Map<string, Fault>();
  const faultOf = (path: string) => [...faults].find(([piece]) => path.includes(piece))?.[1];

  function bodyOf(path: string): Buffer | undefined {
    const name = path.slice(path.lastIndexOf('/') + 1);
    const spoil = (digest: string) => (faultOf(path) === 'wrongChecksum' ? 'f'.repeat(64) : digest);
    if (name.startsWith('helm') && name.endsWith('.sha256')) return Buffer.from(spoil(sha256(helmArchive)));
    if (name.endsWith('.sha256')) return Buffer.from(spoil(sha256(program(name.replace('.sha256', '')))));
    if (name === 'SHA256SUMS') {
      return Buffer.from(
        `${'0'.repeat(64)}  other.tar.gz\n${sha256(archive)}  etcd-v${versions.etcd}-linux-${arch}.tar.gz\n`,
      );
    }
    if (name.endsWith('.tar.gz')) return name.startsWith('helm') ? helmArchive : archive;
    if (path.startsWith('/repos/')) {
      const digest = faultOf(path) === 'noDigest' ? null : `sha256:${sha256(program('kwok'))}`;
      return Buffer.from(JSON.stringify({ assets: [{ name: `kwok-linux-${arch}`, digest }] }));
    }
    return program(name.startsWith('kwok') ? 'kwok' : name);
  }

  const server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push(path);
    const fault = faultOf(path);
    const body = fault === 'missing' ? undefined : bodyOf(path);
    if (!body) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-length': body.length });
    if (fault !== 'cut') return void response.end(body);
    response.write(body.subarray(0, body.length / 2), () => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origins: { kubernetes: url, github: url, githubApi: url, helm: url },
    asked,
    faults,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
