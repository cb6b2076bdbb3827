// What a Foundry Local server says of itself to the gateway beside it, in a file: no route of the core tells what a model runs on.
import * as z from 'zod';
import type { DeviceClass } from '../api/hardware.ts';

/** Told here anew, so that the gateway need not carry the schema of the API. */
export const reportedDevices = ['CPU', 'GPU', 'NPU'] as const satisfies readonly DeviceClass[];

const report = z.object({
  schema: z.literal(1),
  /** Variant id, as the core lists it when it is loaded. */
  model: z.string().min(1).max(256),
  /** Such as CUDAExecutionProvider: a word, for it is shown in conditions. */
  executionProvider: z.string().regex(/^[A-Za-z0-9]{1,64}$/),
  /** On which the model sits; absent where the server cannot tell. */
  device: z.enum(reportedDevices).optional(),
});

export type FoundryReport = z.output<typeof report>;

/** More is no report. */
export const MAX_REPORT_BYTES = 4096;

/** undefined for what is none, or is of a later kind. */
export function parseFoundryReport(text: string): FoundryReport | undefined {
  try {
    return report.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
