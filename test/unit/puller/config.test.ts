import { expect, test } from 'vitest';
import {
  MAX_DERIVED_BYTES,
  type PullConfig,
  readPullConfig,
  variableJson,
  writePullConfig,
} from '../../../src/puller/config.ts';

const config: PullConfig = {
  runtime: 'Ollama',
  runtimeVersion: '0.32.15',
  revision: 'abcdefghij',
  reference: 'a',
  verify: 'OnPull',
  source: { kind: 'Volume', path: '/source', claimName: 'c' },
  store: '/models',
  lockFile: '/etc/local-model/lock/abcdefghij.json',
  progressFile: '/run/local-model/progress.json',
  terminationMessagePath: '/dev/termination-log',
};

/** What kubelet makes of the value of a variable (k8s.io/kubernetes third_party/forked/golang/expansion). */
const expanded = (value: string) =>
  value.replace(/\$(\$|\(([^)]*)\))/g, (_all, next: string) => (next === '$' ? '$' : 'EXPANDED'));

test('what was written is read back, also after kubelet has had its way with it', () => {
  const tricky = { ...config, derived: { system: '$(HOME) $$ {{ $x := 1 }} \\u0024', parameters: [] } };
  expect(readPullConfig(expanded(writePullConfig(tricky)))).toEqual(tricky);
});

test('a member that we do not know is left out', () => {
  expect(readPullConfig(JSON.stringify({ ...config, later: 1 }))).toEqual(config);
});

test.each([
  [undefined, 'PULL_CONFIG is not set'],
  ['', 'PULL_CONFIG is not set'],
  [JSON.stringify({ ...config, verify: 'Never' }), 'verify'],
  [JSON.stringify({ ...config, source: { kind: 'Volume' } }), 'source.path'],
  ['{', 'JSON'],
])('%j is refused by name', (text, words) => expect(() => readPullConfig(text)).toThrow(words));

test('the largest Modelfile still fits into one variable of Linux', () => {
  const room = MAX_DERIVED_BYTES - variableJson({ license: '', parameters: [] }).length;
  const derived = { license: 'x'.repeat(room), parameters: [] };
  const mirrors = Array.from({ length: 8 }, () => `https://${'m'.repeat(2040)}`);
  const largest: PullConfig = {
    ...config,
    reference: 'r'.repeat(512),
    derived,
    source: { kind: 'Registry', mirrors, plainHttp: false },
  };
  expect(`PULL_CONFIG=${writePullConfig(largest)}`.length + 1).toBeLessThan(128 * 1024);
});
