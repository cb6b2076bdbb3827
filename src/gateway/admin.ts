// What the admin port answers: probes of both containers, main's preStop, and the status for the operator.
import type { Answer, Route } from '../process/adminServer.ts';
import type { Clock } from '../process/clock.ts';
import type { DrainWatch } from './drain.ts';
import type { GatewayStatus } from './status.ts';
import type { Truth } from './truth.ts';
import { type Verdict, type Verdicts, verdictsOf } from './verdicts.ts';

export interface AdminRoutesOptions {
  truth: Truth;
  clock: Clock;
  drain: DrainWatch;
  /** Whether the port of clients is open: until then nobody can be served, whatever the model does. */
  opened(): boolean;
  status(): GatewayStatus;
}

const closed: Verdict = { ok: false, message: 'Starting: the port of clients is not open yet' };

const text = (status: number, line: string): Answer => ({ status, body: `${line}\n` });

const probe = ({ ok, message }: Verdict): Answer => text(ok ? 200 : 503, message);

/** As src/children/probes.ts asks for them. */
export function adminRoutes(options: AdminRoutesOptions): Readonly<Record<string, Route>> {
  const { truth, clock, drain, opened, status } = options;
  const ask = (choose: (verdicts: Verdicts) => Verdict) => () =>
    probe(choose(verdictsOf(truth.state, clock.monotonic())));
  return {
    '/startupz': ask(({ gateway }) => gateway.startup),
    '/readyz': ask(({ gateway }) => (opened() ? gateway.readiness : closed)),
    '/livez': ask(({ gateway }) => gateway.liveness),
    '/runtime/startupz': ask(({ runtime }) => runtime.startup),
    '/runtime/readyz': ask(({ runtime }) => (opened() ? runtime.readiness : closed)),
    '/runtime/livez': ask(({ runtime }) => runtime.liveness),
    '/drained': async () => text(200, await drain.mayStop()),
    '/status': () => ({
      status: 200,
      body: `${JSON.stringify(status())}\n`,
      contentType: 'application/json; charset=utf-8',
    }),
  };
}
