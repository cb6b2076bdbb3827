// The serving half of the gateway as the judging one sees it: opened once, closed when nothing runs any more.
import type { Judge } from './judge.ts';
import type { Problem } from './observation.ts';

export interface FrontDoor {
  /** That was bound. */
  readonly port: number;
  /** What has to be there before anybody is served, and is not. */
  problems(): readonly Problem[];
  /** Of clients, since the start; `lastAt` in monotonic milliseconds. */
  requests(): { total: number; lastAt?: number };
  /** Accepts nobody any more; resolves when the last answer is out. */
  close(): Promise<void>;
}

export type OpenDoor = (judge: Judge) => Promise<FrontDoor>;
