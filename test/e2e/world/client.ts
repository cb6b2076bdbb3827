// A client as any other pod of the cluster: it finds the model by the name of its Service and keeps its key in a Secret.

import type { Tenant } from '../../integration/operator/tenant.ts';
import { images } from '../images/images.ts';
import { type Reach, reachFrom } from './reach.ts';

const node = '/nodejs/bin/node';

/** Prints status, headers and body of one request as JSON. */
const script = `
const { url, body, headers, tokenFrom } = JSON.parse(process.argv[1]);
const authorization = tokenFrom && 'Bearer ' + process.env[tokenFrom];
const response = await fetch(url, {
  method: body ? 'POST' : 'GET',
  headers: { 'content-type': 'application/json', ...headers, ...(authorization && { authorization }) },
  ...(body && { body: JSON.stringify(body) }),
});
console.log(JSON.stringify({ status: response.status, text: await response.text() }));
`;

export interface PodRequest {
  url: string;
  body?: unknown;
  headers?: Record<string, string>;
  /** Name of an environment variable whose value is the bearer token. */
  tokenFrom?: string;
}

export interface PodAnswer {
  status: number;
  text: string;
}

/** Restricted Pod Security, as the namespace asks for. */
const restricted = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  readOnlyRootFilesystem: true,
};

/** Whoever connects gets through, on the ports of a model's API and of its gateway's state. */
const server =
  "for (const port of [8080, 9090]) require('node:http').createServer((_, answer) => answer.end()).listen(port)";

export interface ClientPod {
  /** It listens itself, on 8080 and 9090, as a pod that others may want to reach. */
  readonly address: string;
  readonly reach: Reach;
  /** Rejects with kubectl's words where there is no answer. */
  request(request: PodRequest): Promise<PodAnswer>;
}

/** Resolves when the pod runs. `secret` becomes its environment, each entry a variable. */
export async function startClient({ namespace, cluster, until }: Tenant, secret?: string): Promise<ClientPod> {
  const { access } = cluster;
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'client' },
    spec: {
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 0,
      securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'client',
          image: images.operator,
          command: [node, '-e', server],
          securityContext: restricted,
          ...(secret && { envFrom: [{ secretRef: { name: secret } }] }),
        },
      ],
    },
  };
  const { status, body } = await access.call('POST', `/api/v1/namespaces/${namespace}/pods`, { body: pod });
  if (status !== 201) throw new Error(`the client's pod: ${status} ${JSON.stringify(body)}`);
  const kubectl = (...argv: string[]) => access.runKubectl(['-n', namespace, ...argv]);
  await until(
    'the client runs',
    async () => (await kubectl('get', 'pod', 'client', '-o', 'jsonpath={.status.phase}')).stdout === 'Running',
  );

  const { stdout: address } = await kubectl('get', 'pod', 'client', '-o', 'jsonpath={.status.podIP}');

  return {
    address,
    reach: reachFrom(access, namespace, 'client', 'client'),
    async request(request) {
      const command = [node, '--input-type=module', '-e', script, JSON.stringify(request)];
      const { code, stdout, stderr } = await kubectl('exec', 'client', '--', ...command);
      if (code !== 0) throw new Error(stderr);
      return JSON.parse(stdout) as PodAnswer;
    },
  };
}
