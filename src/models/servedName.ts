// Names under which a store keeps what we serve. They carry the digest of their manifest, so a tag that moves can never change
// what an older pod on the same store serves, and a digest finds its manifest without a search.
import { type Digest, digestOfHex, hexOf, parseDigest } from './digest.ts';
import type { Reference } from './reference.ts';

/** No registry has this host, so nothing that anybody pulls can meet these names. */
const HOST = 'localmodels.dev';

/** `source`: a manifest as it was pulled. `derived`: one that was made here from a declaration. */
export type ServedKind = 'source' | 'derived';

export const servedName = (kind: ServedKind, { model }: Pick<Reference, 'model'>, digest: Digest): Reference => ({
  host: HOST,
  namespace: kind,
  model,
  tag: hexOf(digest),
});

/** The digest that such a name promises; undefined for other names. */
export function promisedDigest({ host, namespace, tag }: Reference): Digest | undefined {
  const isOurs = host === HOST && (namespace === 'source' || namespace === 'derived');
  return isOurs ? parseDigest(digestOfHex(tag)) : undefined;
}
