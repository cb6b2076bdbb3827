// The deployments of the e2e tests: tiny models over plain HTTP, and little of the machine.
import type { Spec } from '../../integration/operator/tenant.ts';
import type { PublishedModel } from './models.ts';

/** One thread: with more, idle ones of llama.cpp spin. */
const resources = { requests: { cpu: '50m', memory: '96Mi' }, limits: { cpu: '1', memory: '512Mi' } };

export const specOf = ({ name }: Pick<PublishedModel, 'name'>, more: Spec = {}): Spec => ({
  runtime: 'Ollama',
  model: { name, source: { registry: { plainHttp: true } } },
  performance: { maxContext: 512 },
  resources,
  ...more,
});
