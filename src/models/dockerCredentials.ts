// What a mounted .dockerconfigjson says about the hosts that one pulls from.
import * as z from 'zod';
import { PullError } from './errors.ts';

export type DockerCredential =
  | { readonly kind: 'Basic'; readonly username: string; readonly password: string }
  /** Swapped for an access token at the registry's token server (OAuth2 refresh token). */
  | { readonly kind: 'IdentityToken'; readonly token: string }
  /** Sent as it is. */
  | { readonly kind: 'RegistryToken'; readonly token: string };

export interface DockerCredentials {
  /** For a host with its port, and the repository where credentials can be for a part of the host. */
  find(host: string, repository: string): DockerCredential | undefined;
}

export const noCredentials: DockerCredentials = { find: () => undefined };

const entry = z.object({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
  registrytoken: z.string().optional(),
});

const shape = z.object({ auths: z.record(z.string(), entry).default({}) });

type Entry = z.output<typeof entry>;

/**
 * `what` names the file in messages, such as `.dockerconfigjson of Secret pull`. Throws a PullError `SecretMissing`, which
 * repeats nothing of the text.
 */
export function parseDockerCredentials(text: string, what: string): DockerCredentials {
  const byKey = new Map<string, DockerCredential>();
  for (const [key, value] of Object.entries(readShape(text, what).auths)) {
    const credential = credentialOf(value);
    if (credential) byKey.set(keyOf(key), credential);
  }
  return {
    find(host, repository) {
      // From the longest path to the host alone: registry.example.org/team/models may have its own.
      for (
        let path = `${hostKey(host)}/${repository}`;
        path;
        path = path.slice(0, Math.max(0, path.lastIndexOf('/')))
      ) {
        const credential = byKey.get(path);
        if (credential) return credential;
      }
      return undefined;
    },
  };
}

function readShape(text: string, what: string): z.output<typeof shape> {
  try {
    return shape.parse(JSON.parse(text));
  } catch {
    throw new PullError(
      'SecretMissing',
      `${what} is no Docker configuration; make it by kubectl create secret docker-registry`,
    );
  }
}

/** A URL does not tell the port that https has anyway, and a key may. */
const hostKey = (host: string): string => host.toLowerCase().replace(/:443$/, '');

/** Keys are hosts, or URLs as `docker login` once wrote them: https://registry.example.org/v2/. */
function keyOf(key: string): string {
  const path = key.replace(/^https?:\/\//, '').replace(/\/(v[12]\/?)?$/, '');
  const slash = path.indexOf('/');
  return slash < 0 ? hostKey(path) : hostKey(path.slice(0, slash)) + path.slice(slash);
}

function credentialOf({ auth, username, password, identitytoken, registrytoken }: Entry): DockerCredential | undefined {
  if (registrytoken) return { kind: 'RegistryToken', token: registrytoken };
  if (identitytoken) return { kind: 'IdentityToken', token: identitytoken };
  if (username !== undefined && password !== undefined) return { kind: 'Basic', username, password };
  if (!auth) return undefined;
  const decoded = Buffer.from(auth, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  if (colon < 0) return undefined;
  return { kind: 'Basic', username: decoded.slice(0, colon), password: decoded.slice(colon + 1).replace(/\0+$/, '') };
}
