// How a deployment is rolled out, watched and drained.
import * as z from 'zod';
import * as f from './fields.ts';

export const rollout = z
  .strictObject({
    strategy: z
      .enum(['Auto', 'Recreate', 'RollingUpdate'])
      .optional()
      .describe(
        'Auto (default): RollingUpdate unless a device or a ReadWriteOnce claim would make the new pod wait for the old one for ever.',
      ),
    progressDeadlineSeconds: f
      .seconds(30, 604_800)
      .optional()
      .describe(
        'How long nothing may move before the deployment is Stalled; a pull that advances moves. Default 1800.',
      ),
  })
  .describe('How pods are replaced.');

export const monitoring = z
  .strictObject({
    serviceMonitor: z
      .strictObject({
        enabled: z
          .boolean()
          .optional()
          .describe('Make a ServiceMonitor where the cluster knows the kind; default true.'),
        interval: z
          .string()
          .max(16)
          .regex(/^[1-9][0-9]*(ms|s|m|h)$/, 'must be a duration such as 30s')
          .optional()
          .describe('Time between two scrapes; default 30s.'),
        labels: f.labels.optional().describe('Labels that your Prometheus selects ServiceMonitors by.'),
      })
      .optional()
      .describe('Scraping by Prometheus Operator.'),
    canary: z
      .strictObject({
        enabled: z.boolean().optional().describe('Default true.'),
        intervalSeconds: f.seconds(5, 86_400).optional().describe('Silence after which one is sent; default 60.'),
        prompt: z.string().min(1).max(4096).optional().describe('What is asked; default: a few neutral words.'),
        expect: z
          .strictObject({
            contains: z.string().min(1).max(1024).optional().describe('Text that the answer must contain.'),
          })
          .optional()
          .describe('What a good answer is; default: any answer.'),
      })
      .optional()
      .describe('A short prompt that is sent when nobody else asks, to see that the model still answers.'),
  })
  .describe('Metrics and self-checks.');

const NO_SHARE = 'must be a whole number of at least 1, or a percentage such as 50%';

const maxUnavailable = z
  .union(
    [
      z.int().min(1),
      z
        .string()
        .max(4)
        .regex(/^([1-9][0-9]?|100)%$/, NO_SHARE),
    ],
    NO_SHARE,
  )
  .meta({ 'x-kubernetes-int-or-string': true });

export const disruption = z
  .strictObject({ maxUnavailable: maxUnavailable.optional().describe('A number or a percentage; default 1.') })
  .describe('How many pods a drain of nodes may take at once. Only matters with more than one replica.');
