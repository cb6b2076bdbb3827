import { describe, expect, it } from 'vitest';
import { createProxyFor, proxySettings } from '../../../src/models/proxies.ts';

const both = { httpProxy: 'http://plain.test:3128', httpsProxy: 'http://secure.test:3128' };
const proxyOf = (url: string, noProxy = '') => createProxyFor({ ...both, noProxy })(new URL(url))?.host;

describe('proxies', () => {
  it('are chosen by the scheme of the request, and one is not the other', () => {
    expect(proxyOf('http://a.test')).toBe('plain.test:3128');
    expect(proxyOf('https://a.test')).toBe('secure.test:3128');
    expect(createProxyFor({ httpProxy: both.httpProxy })(new URL('https://a.test'))).toBeUndefined();
  });

  it('may be given without a scheme', () => {
    expect(createProxyFor({ httpProxy: 'plain.test:8080' })(new URL('http://a.test'))?.href).toBe(
      'http://plain.test:8080/',
    );
  });

  it.each(['http://localhost:11434', 'http://127.0.0.1', 'http://127.3.2.1', 'http://[::1]:5000'])(
    'are not for %s',
    (url) => {
      expect(proxyOf(url)).toBeUndefined();
    },
  );

  it.each([
    ['*', 'https://a.test'],
    ['a.test', 'https://a.test'],
    ['a.test', 'https://sub.a.test'],
    ['A.TEST', 'https://a.test.'],
    ['.a.test', 'https://sub.a.test'],
    ['*.a.test', 'https://sub.a.test'],
    ['x.test, a.test', 'https://a.test'],
    ['x.test a.test', 'https://a.test'],
    ['a.test:443', 'https://a.test'],
    ['10.0.0.0/8', 'https://10.96.0.1:6443'],
    ['10.0.0.1', 'https://10.0.0.1'],
    ['fd00::/8', 'https://[fd00::1]:5000'],
    ['fd00::1', 'https://[fd00::1]:5000'],
    ['.svc,.cluster.local', 'http://registry.models.svc.cluster.local:5000'],
  ])('are not for what NO_PROXY=%s names: %s', (noProxy, url) => {
    expect(proxyOf(url, noProxy)).toBeUndefined();
  });

  it.each([
    ['a.test', 'https://ba.test'],
    ['.a.test', 'https://a.test'],
    ['a.test:8443', 'https://a.test'],
    ['10.0.0.0/8', 'https://11.0.0.1'],
    ['10.0.0.0/8', 'https://ten.test'],
    ['10.0.0.0/99', 'https://10.0.0.1'],
    ['0.1', 'https://10.0.0.1'],
    ['', 'https://a.test'],
  ])('are for what NO_PROXY=%s does not name: %s', (noProxy, url) => {
    expect(proxyOf(url, noProxy)).toBe('secure.test:3128');
  });

  it('that cannot be read are refused by the name of the variable, since the value may hold a password', () => {
    const act = () => createProxyFor({ httpsProxy: 'socks5://me:hunter2@proxy.test' });
    expect(act).toThrow('HTTPS_PROXY');
    expect(act).not.toThrow('hunter2');
  });

  it('come from the environment in capitals or not', () => {
    expect(proxySettings({ HTTP_PROXY: 'a', http_proxy: 'b', https_proxy: 'c', no_proxy: 'd', NO_PROXY: '' })).toEqual({
      httpProxy: 'a',
      httpsProxy: 'c',
      noProxy: 'd',
    });
  });
});
