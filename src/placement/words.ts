// Turns of phrase that messages share.
import type { DeviceClass } from '../api/hardware.ts';

/** At most `max` characters. */
export const clip = (text: string, max: number): string => (text.length <= max ? text : `${text.slice(0, max - 1)}…`);

/** "a, b or c"; beyond six, how many more. */
export function listOf(names: readonly string[], conjunction: 'and' | 'or'): string {
  const shown = names.length > 6 ? [...names.slice(0, 5), `${names.length - 5} more`] : names;
  return shown.length < 2
    ? (shown[0] ?? 'nothing')
    : `${shown.slice(0, -1).join(', ')} ${conjunction} ${shown[shown.length - 1]}`;
}

export const nodeCount = ({ length }: { length: number }): string => `${length} ${length === 1 ? 'node' : 'nodes'}`;

/** "GPU nvidia" */
export const deviceOf = ({
  class: deviceClass,
  vendor,
}: {
  class: DeviceClass;
  vendor?: string | undefined;
}): string => (vendor ? `${deviceClass} ${vendor}` : deviceClass);
