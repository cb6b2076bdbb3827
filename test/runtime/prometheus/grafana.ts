// The dashboards as Grafana asks for them: which query, of which kind, with which values in place of its variables.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '../../../charts/local-model-operator/dashboards');

/** As much of Grafana's model as ours have. */
interface Model {
  title: string;
  panels: { title: string; targets?: { expr: string; instant?: boolean }[] }[];
  templating: {
    list: { name: string; type: string; query: { query: string } | string; allValue?: string }[];
  };
}

export interface Question {
  panel: string;
  expr: string;
  /** Else it is asked over a span. */
  instant: boolean;
}

export interface Variable {
  name: string;
  /** label_values(SELECTOR, LABEL), taken apart. */
  selector: string;
  label: string;
  /** What stands for "All"; undefined where that cannot be chosen. */
  all: string | undefined;
}

export interface Dashboard {
  /** Of the file. */
  name: string;
  questions: Question[];
  /** In the order in which they depend on each other. */
  variables: Variable[];
}

function variablesOf({ templating }: Model): Variable[] {
  return templating.list.flatMap(({ name, type, query, allValue }) => {
    if (type !== 'query' || typeof query === 'string') return [];
    const [, selector, label] = /^label_values\((.+),\s*(\w+)\)$/.exec(query.query) ?? [];
    if (!selector || !label) throw new Error(`${name}: not known how to ask ${query.query}`);
    return [{ name, selector, label, all: allValue }];
  });
}

const questionsOf = ({ panels }: Model): Question[] =>
  panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr, instant = false }) => ({ panel: title, expr, instant })),
  );

/** Those that the chart brings. */
export const dashboards: readonly Dashboard[] = readdirSync(folder).map((file) => {
  const model = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Model;
  return { name: file.replace('.json', ''), questions: questionsOf(model), variables: variablesOf(model) };
});

/** At Grafana's own scrape interval of 15 s, four of which it takes at the least. */
const RATE_INTERVAL = '1m';

/** With the variables filled in. Throws where one is left. */
export function filledIn(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$(\w+)/g, (_, name: string) => {
    const value = name === '__rate_interval' ? RATE_INTERVAL : values[name];
    if (value === undefined) throw new Error(`${text}: nothing is known of $${name}`);
    return value;
  });
}
