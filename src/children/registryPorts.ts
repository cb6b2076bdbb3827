// The ports on which a pull may have to reach registries, mirrors and proxies.
import type { OperatorDefaults, Settings } from '../api/defaults.ts';

const HTTPS = 443;
const HTTP = 80;

/** Port in `host:port/name:tag`. The part before the first slash is a host only if a slash follows, else it is a name with a tag. */
function portOfReference(reference: string): number | undefined {
  const [, port] = /^[^/]+:(\d{1,5})\//.exec(reference.replace(/^https?:\/\//, '')) ?? [];
  return port ? Number(port) : undefined;
}

function portOfUrl(url: string): number | undefined {
  const { port } = URL.parse(url) ?? {};
  return port ? Number(port) : undefined;
}

const proxies = ({ pullProxy }: Pick<OperatorDefaults, 'pullProxy'>): string[] =>
  [pullProxy?.httpsProxy, pullProxy?.httpProxy].filter((url) => url !== undefined);

/** Every name that some rung may pull, so that the policy need not follow the hardware decision. */
function references({ model, ladder, ollama }: Settings): string[] {
  const ofRungs = ladder.map((rung) => rung.model?.name).filter((name) => name !== undefined);
  const adapters = (ollama.modelfile?.adapters ?? []).map(({ name }) => name);
  return [model.name, ...ofRungs, ...adapters];
}

/**
 * Ascending, without repeats. 80 and 443 are always there: registries redirect to where their blobs lie. Proxies come on top and not
 * instead, since NO_PROXY may name some of the registries.
 */
export function registryPorts(settings: Settings, defaults: Pick<OperatorDefaults, 'pullProxy'>): number[] {
  const { source } = settings.model;
  const mirrors = source.kind === 'Registry' ? (source.mirrors ?? []) : [];
  const ports = [...[...mirrors, ...proxies(defaults)].map(portOfUrl), ...references(settings).map(portOfReference)];
  const valid = ports.filter((port): port is number => port !== undefined && port > 0 && port < 65_536);
  return [...new Set([HTTP, HTTPS, ...valid])].sort((a, b) => a - b);
}
