// Reads a deployment as it is stored. An older or looser schema may have let anything in: whatever it is, the answer is a
// spec or a list of problems, never an exception.
import type * as z from 'zod';
import { bounded } from './conditions.ts';
import { localModelDeployment, type Spec, type Status } from './schema.ts';
import { status } from './status.ts';
import type { Problem } from './types.ts';
import { unsupportedProblems } from './unsupported.ts';

const MAX_PROBLEMS = 16;
const MAX_PATH = 256;

/** Such as spec.hardware.fallback[0].class. */
const pathText = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text ? `${text}.${String(part)}` : String(part)),
    '',
  );

type RawIssue = Parameters<z.core.$ZodErrorMap>[0];

const units: Record<string, string> = { string: ' characters', array: ' items', object: ' entries' };

/** Messages for what the schema has no words of its own for. */
function explain(issue: RawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type': {
      if (issue.input === undefined) return 'is required; set it';
      const given = issue.input === null ? 'null' : Array.isArray(issue.input) ? 'a list' : `a ${typeof issue.input}`;
      return `must be of type ${issue.expected}, not ${given}`;
    }
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      if (issue.minimum === 1 && units[issue.origin]) return 'must not be empty';
      return `must be at least ${issue.minimum}${units[issue.origin] ?? ''}`;
    case 'too_big':
      return `must be at most ${issue.maximum}${units[issue.origin] ?? ''}`;
    default:
      return undefined;
  }
}

function problemsOf(issue: z.core.$ZodIssue): Problem[] {
  const problem = (path: readonly PropertyKey[], message: string): Problem => ({
    path: bounded(pathText(path), MAX_PATH),
    message: bounded(message),
  });
  if (issue.code !== 'unrecognized_keys') return [problem(issue.path, issue.message)];
  return issue.keys.map((key) =>
    problem([...issue.path, key], 'is not known to this release; remove it, or upgrade the operator'),
  );
}

function limited(problems: readonly Problem[]): Problem[] {
  if (problems.length <= MAX_PROBLEMS) return [...problems];
  const shown = problems.slice(0, MAX_PROBLEMS - 1);
  return [...shown, { path: 'spec', message: `has ${problems.length - shown.length} more problems` }];
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** As deep as anything in the schema; below that is what we only hand on. */
const MAX_DEPTH = 16;

/** Members that are null count as not given: so the API server reads them, and drops them where its schema is ours. */
function withoutNulls(value: unknown, depth = MAX_DEPTH): unknown {
  if (depth === 0) return value;
  if (Array.isArray(value)) return value.map((item) => withoutNulls(item, depth - 1));
  if (!isObject(value)) return value;
  const given = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(given.map(([name, member]) => [name, withoutNulls(member, depth - 1)]));
}

/** The spec, checked by the same rules as in the CRD, or at most 16 problems with path and cure. */
export function parseSpec(stored: unknown): { spec: Spec } | { problems: Problem[] } {
  const { metadata, spec } = isObject(stored) ? stored : {};
  const given = spec === null ? undefined : withoutNulls(spec);
  const name = isObject(metadata) ? metadata.name : undefined;
  const parsed = localModelDeployment.safeParse({ metadata: { name }, spec: given }, { error: explain });
  if (parsed.success) {
    const problems = unsupportedProblems(parsed.data.spec);
    return problems.length > 0 ? { problems: limited(problems) } : { spec: parsed.data.spec };
  }
  return { problems: limited(parsed.error.issues.flatMap(problemsOf)) };
}

/**
 * The status that was written last, without what this release cannot read: another release may have written it, and it is
 * only a memory.
 */
export function parseStatus(stored: unknown): Status {
  if (!isObject(stored)) return {};
  const readable = Object.entries(status.shape).flatMap(([name, field]) => {
    const parsed = field.safeParse(stored[name]);
    return parsed.success && parsed.data !== undefined ? [[name, parsed.data]] : [];
  });
  return Object.fromEntries(readable);
}
