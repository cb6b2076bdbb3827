// The little of Grafana's dashboard model that ours need (schemaVersion 39, which Grafana 10.4 and later read).

export interface Query {
  readonly expr: string;
  /** As {{label}}. */
  readonly legend?: string;
}

export interface Panel {
  readonly title: string;
  /** What it shows and how to read it. */
  readonly about: string;
  readonly kind: 'timeseries' | 'stat' | 'table';
  readonly unit: string;
  readonly queries: readonly Query[];
  /** Of 24 columns; default 8. */
  readonly width?: number;
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

/** A variable whose values come from the labels of a metric. */
export interface Variable {
  readonly name: string;
  readonly label: string;
  /** PromQL with label_values. */
  readonly query: string;
  readonly multi: boolean;
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly about: string;
  readonly variables: readonly Variable[];
  readonly rows: readonly Row[];
}

const COLUMNS = 24;
const HEIGHT = 8;
const SOURCE = { type: 'prometheus', uid: '$datasource' };

const letter = (index: number): string => String.fromCharCode(65 + index);

function targets({ queries, kind }: Panel) {
  return queries.map(({ expr, legend }, index) => ({
    refId: letter(index),
    datasource: SOURCE,
    expr,
    ...(legend && { legendFormat: legend }),
    ...(kind === 'table' && { format: 'table', instant: true }),
    ...(kind === 'stat' && { instant: true }),
  }));
}

function panelOf(panel: Panel, id: number, x: number, y: number) {
  const { title, about, kind, unit, width = 8 } = panel;
  return {
    id,
    title,
    description: about,
    type: kind,
    datasource: SOURCE,
    gridPos: { x, y, w: width, h: HEIGHT },
    fieldConfig: { defaults: { unit, ...(unit !== 'none' && { min: 0 }) }, overrides: [] },
    options:
      kind === 'timeseries'
        ? { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } }
        : {},
    ...(kind === 'table' && { transformations: [{ id: 'merge', options: {} }] }),
    targets: targets(panel),
  };
}

/** Panels from left to right, a new line where one does not fit. */
function layOut(rows: readonly Row[]): unknown[] {
  const laid: unknown[] = [];
  let y = 0;
  for (const { title, panels } of rows) {
    laid.push({
      id: laid.length + 1,
      type: 'row',
      title,
      collapsed: false,
      gridPos: { x: 0, y, w: COLUMNS, h: 1 },
      panels: [],
    });
    y += 1;
    let x = 0;
    for (const panel of panels) {
      const { width = 8 } = panel;
      if (x + width > COLUMNS) {
        x = 0;
        y += HEIGHT;
      }
      laid.push(panelOf(panel, laid.length + 1, x, y));
      x += width;
    }
    y += HEIGHT;
  }
  return laid;
}

const datasource = { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' };

const variableOf = ({ name, label, query, multi }: Variable) => ({
  name,
  label,
  type: 'query',
  datasource: SOURCE,
  query: { query, refId: name },
  refresh: 2,
  sort: 1,
  multi,
  includeAll: multi,
  ...(multi && { allValue: '.*' }),
});

/** The dashboard as Grafana imports it. */
export const dashboardModel = ({ uid, title, about, variables, rows }: Dashboard) => ({
  uid,
  title,
  description: about,
  tags: ['local-model-operator'],
  schemaVersion: 39,
  editable: true,
  refresh: '30s',
  time: { from: 'now-6h', to: 'now' },
  templating: { list: [datasource, ...variables.map(variableOf)] },
  panels: layOut(rows),
});
