import { describe, expect, it } from 'vitest';
import { parseDockerCredentials } from '../../../src/models/dockerCredentials.ts';

const parse = (auths: Record<string, object>) => parseDockerCredentials(JSON.stringify({ auths }), 'Secret pull');
const basic = (username: string, password: string) => ({ kind: 'Basic', username, password });

describe('docker credentials', () => {
  it('are found by host and port', () => {
    const docker = parse({ 'a.test:5000': { auth: btoa('me:p:w') }, 'b.test': { username: 'you', password: '' } });
    expect(docker.find('a.test:5000', 'x/y')).toEqual(basic('me', 'p:w'));
    expect(docker.find('A.test:5000', 'x/y')).toEqual(basic('me', 'p:w'));
    expect(docker.find('b.test', 'x/y')).toEqual(basic('you', ''));
    expect(docker.find('a.test', 'x/y')).toBeUndefined();
    expect(docker.find('xa.test:5000', 'x/y')).toBeUndefined();
  });

  it.each([
    'https://a.test',
    'https://a.test/',
    'https://a.test/v2/',
    'http://a.test/v1',
    'a.test:443',
    'https://A.test:443/v2/',
  ])('are found under %s', (key) => {
    expect(parse({ [key]: { auth: btoa('me:pw') } }).find('a.test', 'x/y')).toEqual(basic('me', 'pw'));
  });

  it('are read without the zeros that old versions of Docker pad passwords with', () => {
    expect(parse({ 'a.test': { auth: btoa('me:pw\0\0') } }).find('a.test', 'x/y')).toEqual(basic('me', 'pw'));
  });

  it('of a part of a host count before those of the whole', () => {
    const docker = parse({ 'a.test': { auth: btoa('all:1') }, 'a.test/team': { auth: btoa('team:2') } });
    expect(docker.find('a.test', 'team/model')).toEqual(basic('team', '2'));
    expect(docker.find('a.test', 'teams/model')).toEqual(basic('all', '1'));
  });

  it('prefer tokens to passwords', () => {
    const docker = parse({
      'a.test': { auth: btoa('me:pw'), identitytoken: 'id' },
      'b.test': { auth: btoa('me:pw'), identitytoken: 'id', registrytoken: 'ready' },
    });
    expect(docker.find('a.test', 'x')).toEqual({ kind: 'IdentityToken', token: 'id' });
    expect(docker.find('b.test', 'x')).toEqual({ kind: 'RegistryToken', token: 'ready' });
  });

  it('that hold nothing are none', () => {
    expect(parse({ 'a.test': {}, 'b.test': { auth: btoa('nocolon') } }).find('a.test', 'x')).toBeUndefined();
    expect(parseDockerCredentials('{"credsStore":"desktop"}', 'it').find('a.test', 'x')).toBeUndefined();
  });

  it.each(['', 'hunter2', '[]', '{"auths":{"a":"hunter2"}}', 'null'])(
    'refuse %j by the name of the Secret alone',
    (text) => {
      const act = () => parseDockerCredentials(text, '.dockerconfigjson of Secret pull');
      expect(act).toThrow('.dockerconfigjson of Secret pull');
      expect(act).toThrow(expect.objectContaining({ reason: 'SecretMissing' }));
      expect(act).not.toThrow('hunter2');
    },
  );
});
