import { expect, test } from 'vitest';
import type { Spec } from '../../../src/api/schema.ts';
import { ollama } from '../../../src/runtimes/ollama.ts';
import { inputOf, pullConfigOf } from './inputs.ts';

const pulled = (spec: Partial<Spec>) => pullConfigOf(ollama, inputOf('cpu', spec));
const model = (source: NonNullable<Spec['model']['source']>) => ({ model: { name: 'a', source } });

test('a registry is told where its secrets are mounted and how they are called', () => {
  const registry = {
    mirrors: ['https://mirror.example.org'],
    plainHttp: true,
    credentialsSecretRef: { name: 'login' },
    identitySecretRef: { name: 'key' },
    caBundleRef: { kind: 'ConfigMap' as const, name: 'ca', key: 'ca.crt' },
    bandwidthLimit: '50Mi',
  };
  expect(pulled(model({ registry })).source).toEqual({
    kind: 'Registry',
    mirrors: ['https://mirror.example.org'],
    plainHttp: true,
    bytesPerSecond: 52_428_800,
    credentials: { path: '/etc/local-model/registry/credentials', kind: 'Secret', name: 'login' },
    identity: { path: '/etc/local-model/registry/identity', kind: 'Secret', name: 'key' },
    ca: { path: '/etc/local-model/registry/ca', kind: 'ConfigMap', name: 'ca', key: 'ca.crt' },
  });
});

test('an image and a volume are read where they are mounted', () => {
  expect(pulled(model({ image: { reference: 'r/m:1' } })).source).toEqual({
    kind: 'Image',
    path: '/source',
    reference: 'r/m:1',
  });
  expect(pulled(model({ volume: { claimName: 'c' } })).source).toEqual({
    kind: 'Volume',
    path: '/source',
    claimName: 'c',
  });
  expect(pulled(model({ volume: { claimName: 'c', path: 'x/y' } })).source).toMatchObject({ path: '/source/x/y' });
});

const claim = (persistentVolumeClaim: object) => ({
  storage: { type: 'PersistentVolumeClaim' as const, persistentVolumeClaim },
});

test.each<[string, Partial<Spec>, object | undefined]>([
  ['tidies the claim that is ours', claim({ size: '10Gi' }), { keepRevisions: 2 }],
  ['never touches a claim of the user', claim({ claimName: 'theirs' }), undefined],
  ['has nothing to tidy in an emptyDir', {}, undefined],
])('%s', (_what, spec, tidy) => expect(pulled(spec).tidy).toEqual(tidy));

test('what the user expects of the file, and how sure he wants to be, is handed on', () => {
  const config = pulled({
    model: { name: 'a', verify: 'OnStart', expect: { quantization: 'Q4_K_M', minContext: 8192 } },
  });
  expect(config).toMatchObject({ verify: 'OnStart', expect: { quantization: 'Q4_K_M', minContext: 8192 } });
});
