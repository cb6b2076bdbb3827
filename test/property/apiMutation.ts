// A value with one thing changed at any depth: a member replaced, taken away or added.
import fc from 'fast-check';

type Path = readonly (string | number)[];

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const pathsOf = (value: unknown, path: Path = []): Path[] =>
  isObject(value)
    ? [path, ...Object.keys(value).flatMap((key) => pathsOf(value[key], [...path, Array.isArray(value) ? +key : key]))]
    : [path];

const actions = ['replace', 'remove', 'add'] as const;

function changed(value: unknown, path: Path, action: (typeof actions)[number], other: unknown): unknown {
  if (path.length === 0) return action === 'add' && isObject(value) ? { ...value, unheardOf: other } : other;
  const copy = structuredClone(value);
  let holder = copy;
  for (const key of path.slice(0, -1)) if (isObject(holder)) holder = holder[key];
  const last = path.at(-1);
  if (!isObject(holder) || last === undefined) return copy;
  if (action === 'replace') holder[last] = other;
  else if (Array.isArray(holder))
    holder.splice(Number(last), action === 'remove' ? 1 : 0, ...(action === 'add' ? [other] : []));
  else if (action === 'remove') delete holder[last];
  else holder.unheardOf = other;
  return copy;
}

/** Values of `valid` with one change; `other` is what comes in. */
export const withOneChange = (valid: fc.Arbitrary<unknown>, other: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.tuple(valid, fc.nat(), fc.constantFrom(...actions), other).map(([value, place, action, replacement]) => {
    const paths = pathsOf(value);
    return changed(value, paths[place % paths.length] ?? [], action, replacement);
  });
