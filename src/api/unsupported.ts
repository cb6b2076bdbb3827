// Fields of the schema whose behaviour this release does not have: refused by name, never ignored. What only one runtime
// cannot do is with that runtime (src/runtimes).
import type { Spec } from './schema.ts';
import type { Problem } from './types.ts';

export interface Unsupported {
  /** Such as spec.api.audit. */
  path: string;
  applies: (spec: Spec) => boolean;
  /** What to do instead. */
  message: string;
}

/** A row goes when the behaviour comes. */
export const unsupported: readonly Unsupported[] = [];

/** The fields that are given but cannot be honoured. */
export const unsupportedProblems = (spec: Spec, table: readonly Unsupported[] = unsupported): Problem[] =>
  table
    .filter(({ applies }) => applies(spec))
    .map(({ path, message }) => ({ path, message, reason: 'UnsupportedField' }));
