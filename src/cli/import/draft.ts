// A deployment while it is put together from what somebody brought along, and all that is to be said about it.

export interface Note {
  /** Where it stood: a field, a variable, a line. */
  readonly from: string;
  readonly message: string;
}

/** Plain data, as it will stand in YAML. */
export interface Fields {
  [name: string]: unknown;
}

export interface Draft {
  readonly spec: Fields;
  readonly notes: readonly Note[];
  /** What stood at that path of the spec, such as performance.threads. */
  get(path: string): unknown;
  /** The last one to say something holds; that another was there before is noted. */
  set(path: string, value: unknown, from: string): void;
  note(from: string, message: string): void;
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function createDraft(): Draft {
  const spec: Fields = {};
  const notes: Note[] = [];
  /** Which file and field said it. */
  const origins = new Map<string, string>();

  function get(path: string): unknown {
    return path.split('.').reduce<unknown>((value, name) => (isFields(value) ? value[name] : undefined), spec);
  }

  return {
    spec,
    notes,
    get,
    set(path, value, from) {
      const earlier = get(path);
      if (earlier !== undefined && JSON.stringify(earlier) !== JSON.stringify(value))
        notes.push({ from, message: `replaces what ${origins.get(path) ?? 'another'} said of spec.${path}` });
      const names = path.split('.');
      const last = names.pop() ?? path;
      let at = spec;
      for (const name of names) {
        const inner = at[name];
        const next = isFields(inner) ? inner : {};
        at[name] = next;
        at = next;
      }
      at[last] = value;
      origins.set(path, from);
    },
    note: (from, message) => void notes.push({ from, message }),
  };
}

/** For messages: it comes from a file and may be anything. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
