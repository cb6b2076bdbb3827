// Where a model can be fetched from: the mirrors in the order that was asked for, then the host that its reference names.
import { PullError } from './errors.ts';
import { type Reference, repositoryOf } from './reference.ts';

export interface Endpoint {
  /** With a port where there is one: for messages, and the key of its credentials. */
  readonly host: string;
  readonly mirror: boolean;
  /** Scheme, host and port: what credentials are bound to. */
  readonly origin: string;
  /** URL of the repository in the registry's API, without a slash at the end; `/manifests/…` and `/blobs/…` follow. */
  readonly url: string;
}

export interface EndpointSettings {
  /** URLs, tried in order. */
  readonly mirrors: readonly string[];
  /** Talk http to the reference's own host; a mirror's URL says its scheme itself. */
  readonly plainHttp: boolean;
}

/** From a reference to the endpoints that may have it, best first; never empty. */
export type Endpoints = (reference: Reference) => readonly Endpoint[];

/** Throws a PullError `InvalidReference` for a mirror that cannot be used. */
export function createEndpoints({ mirrors, plainHttp }: EndpointSettings): Endpoints {
  const bases = mirrors.map(mirrorBase);
  return (reference) => {
    const repository = repositoryOf(reference);
    const own = ownEndpoint(reference, repository, plainHttp);
    const others = bases.map((base) => endpointAt(base, repository, true)).filter(({ url }) => url !== own.url);
    return [...new Map([...others, own].map((endpoint) => [endpoint.url, endpoint])).values()];
  };
}

function ownEndpoint({ host }: Reference, repository: string, plainHttp: boolean): Endpoint {
  const base = URL.parse(`${plainHttp ? 'http' : 'https'}://${host}`);
  if (!base) throw new PullError('InvalidReference', `${JSON.stringify(host)} is no host`);
  return endpointAt(withApi(base), repository, false);
}

function mirrorBase(text: string): URL {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol))
    throw new PullError('InvalidReference', `the mirror ${JSON.stringify(text)} is no http or https URL`);
  if (url.username || url.password)
    throw new PullError(
      'InvalidReference',
      `the URL of the mirror ${url.host} carries credentials; put them into the Secret of credentialsSecretRef`,
    );
  if (url.search || url.hash)
    throw new PullError('InvalidReference', `the URL of the mirror ${url.host} has a query or a fragment; remove it`);
  return withApi(url);
}

/**
 * The API lives under /v2 at the root of a host (OCI distribution-spec), so a path is the front part of the repository's
 * name: what proxy caches with several projects want. A path that has v2 in it is taken as it is.
 */
function withApi(url: URL): URL {
  const path = url.pathname.replace(/\/+$/, '');
  const base = new URL(url);
  base.pathname = path.split('/').includes('v2') ? path : `/v2${path}`;
  return base;
}

const endpointAt = (base: URL, repository: string, mirror: boolean): Endpoint => ({
  host: base.host,
  mirror,
  origin: base.origin,
  url: `${base.origin}${base.pathname}/${repository}`,
});
