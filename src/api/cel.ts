// Cross-field rules, each written once with both its readings: CEL for the API server, TypeScript for specs that were
// stored under another schema and are checked again when they are read.
import type * as z from 'zod';

interface Rule {
  /** CEL over `self`, and over `oldSelf` where it is a rule on changes. */
  rule: string;
  /** What is wrong and what to do about it; shown to the person who applied the object. */
  message: string;
  /** Dot path of the field to blame, relative to where the rule stands, such as .volume.path. */
  fieldPath?: string;
}

/** A rule on what a value is. `holds` says the same as `rule`; the property tests compare them. */
export interface StateRule<S> extends Rule {
  holds(self: S): boolean;
}

/** A rule on how a value may change. Only the API server sees both sides, so there is no second reading. */
export interface ChangeRule extends Rule {
  onChange: true;
}

export type CelRule<S> = StateRule<S> | ChangeRule;

const RULES = 'x-kubernetes-validations';

const segments = (fieldPath = ''): string[] => fieldPath.split('.').filter(Boolean);

/** Adds rules to a schema; rules of several calls add up. */
export function cel<T extends z.ZodType>(schema: T, ...rules: CelRule<z.output<T>>[]): T {
  const known = (schema.meta()?.[RULES] ?? []) as Rule[];
  const written = rules.map(({ rule, message, fieldPath }) => ({ rule, message, ...(fieldPath && { fieldPath }) }));
  let checked: z.ZodType = schema;
  for (const rule of rules) {
    if ('onChange' in rule) continue;
    const { holds, message, fieldPath } = rule;
    checked = checked.refine((self) => holds(self as z.output<T>), { message, path: segments(fieldPath) });
  }
  return checked.meta({ [RULES]: [...known, ...written] }) as T;
}

export const immutable = (what: string, cure: string): ChangeRule => ({
  rule: 'self == oldSelf',
  message: `${what} cannot be changed; ${cure}`,
  onChange: true,
});

/** Marks a choice of nothing or one among optional members of an object. */
export const atMostOne = (...given: unknown[]): boolean => given.filter((member) => member !== undefined).length <= 1;
