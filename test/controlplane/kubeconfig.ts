// A kubeconfig for one user of one cluster, with everything inlined so that the file can be handed on.
import { stringify } from 'yaml';

export type Credentials = { token: string } | { cert: string; key: string };

const base64 = (text: string) => Buffer.from(text).toString('base64');

/** YAML text. `ca` and certificates are PEM. */
export function kubeconfig(server: string, ca: string, user: string, credentials: Credentials): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'local-model-operator',
    clusters: [{ name: 'local-model-operator', cluster: { server, 'certificate-authority-data': base64(ca) } }],
    contexts: [{ name: 'local-model-operator', context: { cluster: 'local-model-operator', user } }],
    users: [
      {
        name: user,
        user:
          'token' in credentials
            ? { token: credentials.token }
            : {
                'client-certificate-data': base64(credentials.cert),
                'client-key-data': base64(credentials.key),
              },
      },
    ],
  });
}
