import { describe, expect, test } from 'vitest';
import { builtInDefaults } from '../../../src/api/defaults.ts';
import { ConfigError, flags, helpText, type OperatorConfig, readConfig } from '../../../src/operator/config.ts';

const read = (argv: string[] = [], env: Record<string, string> = {}, files: Record<string, string> = {}) =>
  readConfig(argv, env, (path) => files[path] ?? '') as OperatorConfig;
const withFile = (text: string) => read(['--config', 'f'], {}, { f: text });

describe('configuration', () => {
  test('defaults are those of a cluster', () => {
    expect(read()).toEqual({
      workers: 8,
      leaderElect: true,
      leaseName: 'local-model-operator',
      adminHost: '0.0.0.0',
      adminPort: 9090,
      logLevel: 'info',
      http2: true,
      gatewayAccess: 'ApiServerProxy',
      upgrades: { mode: 'OnNextChange', maxConcurrent: 1 },
      graceMs: 25_000,
      defaults: builtInDefaults,
    });
  });

  test('a flag comes before the environment, and that before the default', () => {
    expect(read([], { LMO_WORKERS: '3' }).workers).toBe(3);
    expect(read(['--workers=5'], { LMO_WORKERS: '3' }).workers).toBe(5);
    expect(read(['--leader-elect', 'false', '--http2=false'])).toMatchObject({ leaderElect: false, http2: false });
  });

  test('namespaces are a list; none means all', () => {
    expect(read(['--namespaces', 'a, b,,c']).namespaces).toEqual(['a', 'b', 'c']);
    expect(read(['--namespaces', '']).namespaces).toBeUndefined();
    for (const nobody of [',', ' , ', ' ']) expect(() => read(['--namespaces', nobody])).toThrow('separated by commas');
  });

  test.each([
    ['in a cluster', [], { KUBERNETES_SERVICE_HOST: '10.96.0.1' }, 'Direct'],
    ['outside', [], {}, 'ApiServerProxy'],
    ['in one cluster for another', ['--kubeconfig=f'], { KUBERNETES_SERVICE_HOST: '10.96.0.1' }, 'ApiServerProxy'],
    ['with KUBECONFIG', [], { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBECONFIG: 'f' }, 'ApiServerProxy'],
    ['when told', ['--gateway-access=None'], { KUBERNETES_SERVICE_HOST: '10.96.0.1' }, 'None'],
  ] as const)('%s it reads gateways as it can', (_title, argv, env, access) => {
    expect(read([...argv], env).gatewayAccess).toBe(access);
  });

  test.each([
    ['--workers=0', /^--workers=0: /],
    ['--workers=many', /^--workers=many: /],
    ['--leader-elect=maybe', /^--leader-elect=maybe: /],
    ['--log-level=loud', /^--log-level=loud: .*debug, info, warn, error or silent/],
    ['--admin-port=70000', /^--admin-port=70000: /],
    ['--model-pods-upgrade=Now', /^--model-pods-upgrade=Now: /],
    ['--gateway-access=Off', /^--gateway-access=Off: .*Direct .*, ApiServerProxy .* or None/],
    ['--no-such-flag', /--no-such-flag.*; see --help/],
    ['stray', /stray.*; see --help/],
  ])('%s is refused in words for whoever typed it', (flag, words) => {
    expect(() => read([flag])).toThrow(ConfigError);
    expect(() => read([flag])).toThrow(words);
  });

  test('a bad variable is named as one', () => {
    expect(() => read([], { LMO_WORKERS: 'x' })).toThrow(/^LMO_WORKERS=x: /);
  });

  test('--help asks for the text, which names every flag with its variable', () => {
    expect(readConfig(['--help'], {}, () => '')).toBeUndefined();
    const text = helpText();
    for (const { flag, env } of flags) {
      expect(text).toContain(`  ${flag} `);
      expect(text).toContain(`[${env}]`);
    }
  });
});

describe('the file of defaults', () => {
  test('lies over the built-in ones, image by image', () => {
    const { defaults } = withFile('images: {operator: "mine:1"}\nids: {user: 7}\nimagePullSecrets: [a]\n');
    expect(defaults.images).toEqual({ ...builtInDefaults.images, operator: 'mine:1' });
    expect(defaults.ids).toEqual({ ...builtInDefaults.ids, user: 7 });
    expect(defaults.imagePullSecrets).toEqual(['a']);
  });

  test('names the proxy of pulls', () => {
    const pullProxy = { httpsProxy: 'http://proxy.example.org:3128', noProxy: '.svc' };
    expect(withFile(JSON.stringify({ pullProxy })).defaults.pullProxy).toEqual(pullProxy);
  });

  test('may be empty', () => {
    expect(withFile('').defaults).toEqual(builtInDefaults);
  });

  test.each([
    ['imagez: {}', /defaults file: .*imagez/],
    ['images: {operator: 7}', /defaults file: images\.operator: /],
    ['ids: {user: 0}', /defaults file: ids\.user: /],
    ['[]', /defaults file: \(root\): /],
    ['pullProxy: {noProxy: .svc}', /defaults file: pullProxy: needs httpsProxy or httpProxy/],
    ['pullProxy: {httpProxy: "socks5://proxy:1080"}', /defaults file: pullProxy\.httpProxy: must be an http/],
    ['pullProxy: {httpProxy: "http://me:secret@proxy:1080"}', /pullProxy\.httpProxy: must hold no user name/],
  ])('%s is refused by its path', (text, words) => {
    expect(() => withFile(text)).toThrow(ConfigError);
    expect(() => withFile(text)).toThrow(words);
  });

  test('that is not there, or no file, is a mistake of whoever named it', () => {
    const missing = () => {
      throw new Error("ENOENT: no such file or directory, open '/none'");
    };
    expect(() => readConfig(['--config=/none'], {}, missing)).toThrow(ConfigError);
    expect(() => readConfig(['--config=/none'], {}, missing)).toThrow(/^defaults file: ENOENT.*'\/none'/);
  });

  test('that is no YAML is refused as a mistake of whoever wrote it', () => {
    expect(() => withFile('images: [')).toThrow(ConfigError);
  });
});
