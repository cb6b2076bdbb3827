// What is said between this program and the process in which the core runs: one request, one answer, and percents in between.
import * as z from 'zod';

/** Methods of FoundryCore, and the one that makes it. */
const coreMethods = [
  'start',
  'variants',
  'download',
  'folderOf',
  'load',
  'unload',
  'providers',
  'register',
  'startService',
  'stopService',
] as const;

export const coreRequest = z.object({
  id: z.number(),
  method: z.enum(coreMethods),
  /** Of the method; what is passed is plain data, or left out. */
  argument: z.unknown().optional(),
});

export type CoreRequest = z.output<typeof coreRequest>;

export const coreReply = z.object({
  id: z.number(),
  result: z.unknown().optional(),
  /** Of a download that goes on. */
  percent: z.number().optional(),
  error: z.object({ reason: z.enum(['Missing', 'Failed', 'Ended']), message: z.string() }).optional(),
});

export type CoreReply = z.output<typeof coreReply>;
