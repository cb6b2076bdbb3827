// What the door is made of, and what all its requests share.
import type { Clock } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import type { Admission } from './admission.ts';
import type { Audit } from './audit.ts';
import type { Keyring } from './auth.ts';
import type { BodyRoom } from './bodyReader.ts';
import type { GatewayConfig } from './config.ts';
import type { LightGate } from './lightGate.ts';
import type { GatewayMetrics } from './metrics.ts';
import type { PodView } from './podView.ts';
import type { RouteTable } from './routes.ts';
import type { Upstream } from './upstream.ts';

export interface ProxyOptions {
  config: Pick<GatewayConfig, 'runtime' | 'protocols' | 'limits'>;
  view: PodView;
  /** Its `refusal` is `() => refusalOf(view)`. */
  admission: Admission;
  upstream: Upstream;
  /** Absent: anybody may call. */
  keyring?: Pick<Keyring, 'identify'>;
  metrics: Pick<GatewayMetrics, 'exchange' | 'unreadable'>;
  /** Absent: no audit. */
  audit?: Audit;
  clock: Clock;
  log: Logger;
  newId?: () => string;
}

/** What all requests share. */
export interface ProxyParts extends ProxyOptions {
  readonly routes: RouteTable;
  readonly room: BodyRoom;
  readonly light: LightGate;
  readonly since: number;
}
