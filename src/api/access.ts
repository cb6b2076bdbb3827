// Who reaches the model, how, and what the pods may reach.
import * as z from 'zod';
import { cel } from './cel.ts';
import * as f from './fields.ts';
import { networkPeer } from './podFields.ts';

/** Ports inside the pod that are taken: the gateway's admin port and the runtimes' loopback ports. */
export const RESERVED_PORTS = { admin: 9090, ollama: 11434, foundryLocal: 5273 } as const;
const reserved: readonly number[] = Object.values(RESERVED_PORTS);

const limits = z
  .strictObject({
    maxInFlight: z
      .int32()
      .min(1)
      .max(10_000)
      .optional()
      .describe('Requests at the runtime at once; default: performance.parallel.'),
    maxQueue: z
      .int32()
      .min(0)
      .max(100_000)
      .optional()
      .describe('Requests that may wait; more are answered with 429. Default 64.'),
    queueTimeoutSeconds: f.seconds(1, 86_400).optional().describe('Longest wait in the queue; default 60.'),
    requestTimeoutSeconds: f.seconds(1, 86_400).optional().describe('Longest time for one request; default 600.'),
    maxBodyBytes: f.size.optional().describe('Largest request body, such as 10Mi; default 10Mi.'),
  })
  .describe('How much is let in at once.');

export const api = cel(
  z.strictObject({
    port: z
      .int32()
      .min(1024)
      .max(65_535)
      .optional()
      .describe('Port of the API, in the pod and on the Service; default 8080.'),
    protocols: f
      .setOf(z.enum(['OpenAI', 'Native', 'Anthropic']), 3)
      .min(1)
      .optional()
      .describe('Families of routes that are open; default OpenAI and Native. Anthropic: Ollama only.'),
    auth: z
      .strictObject({
        secretRef: f.localRef(
          'Secret with one API key per entry, which may be followed by expires=DATE; the name of the entry is the name of the client.',
        ),
      })
      .optional()
      .describe('Who may call; default: anybody who reaches the port.'),
    tls: z
      .strictObject({ secretRef: f.localRef('Secret with tls.crt and tls.key.') })
      .optional()
      .describe('Serve the API over TLS.'),
    limits: limits.optional(),
    audit: z
      .enum(['None', 'Metadata'])
      .optional()
      .describe('Metadata: one line per request, never its text. Default None.'),
  }),
  {
    rule: `!has(self.port) || !(self.port in [${reserved.join(', ')}])`,
    message: `port is taken inside the pod (${reserved.join(', ')}); choose another, such as 8080`,
    fieldPath: '.port',
    holds: ({ port }) => port === undefined || !reserved.includes(port),
  },
).describe('The API that clients call.');

const service = cel(
  z.strictObject({
    type: z.enum(['ClusterIP', 'NodePort', 'LoadBalancer']).optional().describe('Default ClusterIP.'),
    headless: z
      .boolean()
      .optional()
      .describe('No cluster IP: clients see every pod and choose themselves. Default false.'),
    annotations: f.annotations.optional().describe('Annotations of the Service.'),
  }),
  {
    rule: "!has(self.headless) || !self.headless || !has(self.type) || self.type == 'ClusterIP'",
    message: 'a headless Service has no address to publish; remove headless, or set type ClusterIP',
    fieldPath: '.headless',
    holds: ({ headless, type }) => !headless || type === undefined || type === 'ClusterIP',
  },
).describe('The Service that clients call.');

const policy = z
  .strictObject({
    enabled: z.boolean().optional().describe('Make a NetworkPolicy; default true.'),
    from: f
      .atomicListOf(networkPeer, 32)
      .min(1)
      .optional()
      .describe('Who may call the API; default: pods of the same namespace.'),
    egress: z
      .enum(['None', 'Pull'])
      .optional()
      .describe(
        'None: nothing leaves the pod. Pull: only what pulling needs. Default: None where the source needs none, else Pull.',
      ),
  })
  .describe('The NetworkPolicy of the pods.');

export const network = z
  .strictObject({ service: service.optional(), policy: policy.optional() })
  .describe('How the pods are reached, and what they may reach.');
