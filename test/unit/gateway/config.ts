// What a gateway of these tests is told at start.
import type { GatewayConfig } from '../../../src/gateway/config.ts';

export const testConfig = (changes: Partial<GatewayConfig> = {}): GatewayConfig => ({
  deployment: { namespace: 'ai', name: 'tiny' },
  revision: 'r1',
  port: 8080,
  adminPort: 9090,
  runtime: { kind: 'Ollama', port: 11434 },
  model: { reference: 'tiny', servedNames: ['assistant'], maxContext: 4096 },
  protocols: ['OpenAI', 'Native'],
  limits: { maxInFlight: 2, maxQueue: 64, queueTimeoutSeconds: 60, requestTimeoutSeconds: 600, maxBodyBytes: 1e7 },
  audit: 'None',
  canary: { intervalSeconds: 60 },
  residency: { class: 'CPU', required: false },
  loadTimeoutSeconds: 600,
  lameDuckSeconds: 5,
  progressFile: '/run/local-model/progress.json',
  lockFile: '/etc/local-model/lock/r1.json',
  drainSocket: '/run/local-model/drain.sock',
  ...changes,
});
