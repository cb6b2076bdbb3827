// How we introduce ourselves to registries: as the runtime that will serve the model.

/** Of the Go that the pinned Ollama is built with (its go.mod). */
const GO_VERSION = 'go1.26.0';

/** In Go's words, which Ollama uses. */
const architectures: Partial<Record<string, string>> = { x64: 'amd64', ia32: '386' };

/**
 * Ollama's own form (server/images.go, makeRequest): a registry refuses by it what the version cannot run (HTTP 412).
 * `architecture` and `platform` in the words of Node (process.arch, process.platform).
 */
export const ollamaUserAgent = (version: string, architecture = 'x64', platform = 'linux'): string =>
  `ollama/${version} (${architectures[architecture] ?? architecture} ${platform}) Go/${GO_VERSION}`;
