// What the Placed condition says.
import type { Rung } from '../api/hardware.ts';
import type { Choice, Decision, Rejection, Unconfirmed } from './decision.ts';
import { vendorOf } from './requests.ts';
import { deviceOf } from './words.ts';

const placeOf = (choice: Choice) =>
  `${deviceOf(choice)}${choice.resourceName ? ` (${choice.count ?? 1} ${choice.resourceName})` : ''}`;

const passedOver = (rejected: readonly Rejection[]) =>
  rejected.map((rejection) => `${deviceOf(rejection)}: ${rejection.message}`).join(' | ');

const doubts: Record<Unconfirmed, string> = {
  Waiting: ', which no node offers yet; pods are made all the same, so that a node pool can grow',
  SchedulerDecides:
    '; nodes or DeviceClasses may not be read (get and list them in the ClusterRole), so the scheduler alone decides',
};

/** Never a word about the present moment: a message that changes by itself would cost a write each time. */
export function messageOf(
  { choice, rejected }: Decision,
  unconfirmed: Unconfirmed | undefined,
  next: Rung | undefined,
  fallbackAfterMs: number,
): string {
  const then =
    unconfirmed && next
      ? `; after ${fallbackAfterMs / 1000} s without a scheduled pod comes ${deviceOf({ class: next.class, vendor: vendorOf(next) })}`
      : '';
  const over = rejected.length > 0 ? `. Passed over: ${passedOver(rejected)}` : '';
  return `on ${placeOf(choice)}${unconfirmed ? doubts[unconfirmed] : ''}${then}${over}`;
}

export const nothingFitsMessage = (rejected: readonly Rejection[]): string =>
  `no rung of the ladder can be had: ${passedOver(rejected)}. Mend one of them, or add a fallback such as class CPU`;
