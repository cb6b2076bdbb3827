// A transport to a server of these tests: no credentials, and pauses without chance.
import { createTransport, type Transport, type TransportOptions } from '../../src/kube/transport.ts';
import { systemClock } from '../../src/process/clock.ts';

/** It has to be closed. */
export const transportTo = ({ url }: { url: string }, options: Partial<TransportOptions> = {}): Transport =>
  createTransport({
    auth: { server: url, credentials: async () => ({ headers: {}, tls: {} }), refuse: () => undefined },
    clock: systemClock,
    random: () => 0,
    userAgent: 'local-model-operator/test',
    ...options,
  });
