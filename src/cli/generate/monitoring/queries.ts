// What a PromQL expression reads, as far as names go: enough to tell a metric that does not exist.

const KEYWORDS = new Set(
  (
    'and or unless on ignoring by without group_left group_right offset bool ' +
    'sum min max avg count topk bottomk quantile stddev stdvar group count_values limitk'
  ).split(' '),
);

/** Without what is quoted, in braces' values, in ranges, in comments, and without label lists of by, on and the like. */
const stripped = (expr: string): string =>
  expr
    .replace(/"(?:[^"\\]|\\.)*"/g, '""')
    .replace(/\{[^}]*\}/g, ' ')
    .replace(/\[[^\]]*\]/g, ' ')
    .replace(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ')
    .replace(/\boffset\s+\S+/g, ' ');

/** Names of the metrics that an expression reads, each once, suffixes of histograms included. */
export function metricsIn(expr: string): string[] {
  const found = [...stripped(expr).matchAll(/(?<![\w.$])([a-zA-Z_:][\w:]*)(?!\s*\()(?![\w:])/g)].map(
    ([, name = '']) => name,
  );
  return [...new Set(found.filter((name) => !KEYWORDS.has(name)))];
}

/** Names of labels that an expression selects or groups by. */
export function labelsIn(expr: string): string[] {
  const bare = expr.replace(/"(?:[^"\\]|\\.)*"/g, '""');
  const selected = [...bare.matchAll(/([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)\s*""/g)].map(([, name = '']) => name);
  const grouped = [...bare.matchAll(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g)].flatMap(
    ([, names = '']) => names.split(',').map((name) => name.trim()),
  );
  return [...new Set([...selected, ...grouped].filter(Boolean))];
}
