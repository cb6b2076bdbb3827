import { describe, expect, it, test } from 'vitest';
import { digestOf } from '../../../src/models/digest.ts';
import { layerMediaTypes, type Manifest } from '../../../src/models/manifest.ts';
import {
  adapterOf,
  type Base,
  type Declaration,
  type Derived,
  derive,
  parseParameterLayer,
} from '../../../src/models/modelfile.ts';
import { parseReference } from '../../../src/models/reference.ts';
import { descriptorOf } from './temporaryStore.ts';
import { headerOf, tinyGguf } from './tinyGguf.ts';

const layer = (kind: keyof typeof layerMediaTypes, text: string) =>
  descriptorOf(layerMediaTypes[kind], Buffer.from(text));
const baseLayers = [
  layer('model', 'weights'),
  layer('template', 'old'),
  layer('license', 'MIT'),
  layer('params', '{"stop":["x"]}'),
];

const base: Base = {
  reference: parseReference('phi4-mini:3.8b'),
  manifest: { layers: baseLayers },
  config: {
    model_format: 'gguf',
    model_family: 'phi3',
    model_families: ['phi3'],
    model_type: '3.8B',
    file_type: 'Q4_K_M',
    renderer: 'phi',
    parser: 'phi',
    rootfs: { type: 'layers' },
  },
  parameters: { stop: ['x'], top_k: 7 },
};

const declaration: Declaration = { parameters: [] };
const kinds = ({ manifest }: { manifest: Manifest }) =>
  manifest.layers.map(({ mediaType }) => mediaType.split('.').pop());
const content = ({ manifest, blobs }: Derived, kind: keyof typeof layerMediaTypes) => {
  const found = manifest.layers.filter(({ mediaType }) => mediaType === layerMediaTypes[kind]);
  return found.map(({ digest }) => blobs.find((blob) => blob.digest === digest)?.bytes.toString());
};
const configOf = ({ manifest, blobs }: Derived) =>
  JSON.parse(String(blobs.find(({ digest }) => digest === manifest.config?.digest)?.bytes.toString()));

describe('derive', () => {
  it('keeps the weights and says where they come from', () => {
    const derived = derive(base, { ...declaration, system: 'Be brief.' });
    const [weights] = derived.manifest.layers;
    expect(weights).toEqual({ ...baseLayers[0], from: 'phi4-mini:3.8b' });
    expect(derived.blobs.some(({ digest }) => digest === weights?.digest)).toBe(false);
  });

  it('puts its layers in the order of ollama create, in place of the old ones of their kind', () => {
    const derived = derive(base, {
      template: 'new',
      system: 'Be brief.',
      license: 'mine',
      parameters: [{ name: 'seed', value: '1' }],
      messages: [{ role: 'user', content: 'hi' }],
    });
    expect(kinds(derived)).toEqual(['model', 'license', 'template', 'system', 'license', 'params', 'messages']);
    expect(content(derived, 'template')).toEqual(['new']);
    expect(content(derived, 'system')).toEqual(['Be brief.']);
    expect(content(derived, 'license')).toEqual([undefined, 'mine']);
    expect(content(derived, 'messages')).toEqual(['[{"role":"user","content":"hi"}]\n']);
  });

  it('lays declared parameters over those of the base', () => {
    const parameters = [
      ['top_k', '40'],
      ['stop', 'a'],
      ['stop', '<b>'],
      ['num_gpu', '-1'],
    ].map(([name = '', value = '']) => ({ name, value }));
    expect(content(derive(base, { parameters }), 'params')).toEqual([
      '{"num_gpu":-1,"stop":["a","\\u003cb\\u003e"],"top_k":40}\n',
    ]);
    expect(content(derive(base, declaration), 'params')).toEqual(['{"stop":["x"],"top_k":7}\n']);
  });

  it('makes no empty layers', () => {
    const bare: Base = { ...base, manifest: { layers: baseLayers.slice(0, 1) }, parameters: {} };
    const derived = derive(bare, { system: '', template: '', license: '', messages: [], parameters: [] });
    expect(kinds(derived)).toEqual(['model']);
  });

  it('keeps what the config says of the model, in the form that Ollama writes', () => {
    const derived = derive(base, declaration);
    expect(Object.entries(configOf(derived))).toEqual([
      ['model_format', 'gguf'],
      ['model_family', 'phi3'],
      ['model_families', ['phi3']],
      ['model_type', '3.8B'],
      ['file_type', 'Q4_K_M'],
      ['renderer', 'phi'],
      ['parser', 'phi'],
      ['architecture', 'amd64'],
      ['os', 'linux'],
    ]);
    expect(derived.manifest.config).toMatchObject({ mediaType: 'application/vnd.docker.container.image.v1+json' });
  });

  it('is named by its digest, the same for the same declaration and another for another', () => {
    const one = derive(base, { ...declaration, system: 'a' });
    expect(one.digest).toBe(digestOf(one.bytes));
    expect(one.name).toEqual({
      host: 'localmodels.dev',
      namespace: 'derived',
      model: 'phi4-mini',
      tag: one.digest.slice(7),
    });
    expect(derive(base, { ...declaration, system: 'a' }).name).toEqual(one.name);
    expect(derive(base, { ...declaration, system: 'b' }).name).not.toEqual(one.name);
  });

  it('adds the layers of adapters behind those of the base', () => {
    const reference = parseReference('me/lora');
    const adapter = adapterOf(reference, { layers: [layer('model', 'theirs'), layer('adapter', 'lora')] });
    const derived = derive(base, { ...declaration, system: 's' }, [adapter]);
    expect(kinds(derived)).toEqual(['model', 'template', 'license', 'adapter', 'system', 'params']);
    expect(derived.manifest.layers[3]).toEqual({ ...layer('adapter', 'lora'), from: 'me/lora:latest' });
  });

  it('refuses an adapter model without an adapter', () => {
    const attempt = () => adapterOf(parseReference('me/lora'), { layers: baseLayers });
    expect(attempt).toThrow(
      expect.objectContaining({ reason: 'NotFound', message: expect.stringContaining('me/lora') }),
    );
  });

  test.each<[string, Partial<Base>, Declaration, string, RegExp]>([
    [
      'a parameter that nobody knows',
      {},
      { parameters: [{ name: 'context_length', value: '1' }] },
      'InvalidReference',
      /it is num_ctx/,
    ],
    [
      'a value of the wrong type',
      {},
      { parameters: [{ name: 'seed', value: 'x' }] },
      'InvalidReference',
      /whole number/,
    ],
    [
      'a base that runs elsewhere',
      { config: { remote_host: 'https://ollama.com:443' } },
      declaration,
      'NotFound',
      /runs on/,
    ],
  ])('refuses %s', (_, change, declared, reason, message) => {
    const attempt = () => derive({ ...base, ...change }, declared);
    expect(attempt).toThrow(expect.objectContaining({ reason, message: expect.stringMatching(message) }));
  });
});

// Written by `ollama create` 0.32.15 over the same file.
describe('the manifest of ollama create', () => {
  const file = Buffer.concat([tinyGguf(), Buffer.alloc(64 * 20 * 4 + 64)]);
  const weights = descriptorOf(layerMediaTypes.model, file);
  const created: Base = {
    reference: parseReference('tiny:base'),
    manifest: { layers: [weights] },
    config: {},
    parameters: {},
    gguf: headerOf(),
  };
  const messages = [
    { role: 'user', content: 'hi <b>' },
    { role: 'assistant', content: 'yo' },
  ] as const;
  const parameters = Object.entries({ temperature: '0.2', stop: '<|end|>', num_ctx: '4096', use_mmap: 'false' })
    .map(([name, value]) => ({ name, value }))
    .concat({ name: 'stop', value: 'x' });

  test.each<[string, Declaration, string]>([
    [
      'a system prompt',
      { system: 'Be <kind> & brief. é', parameters: [] },
      '14adb409c76488e09155c6871a4919a4e077c9e92953e3cad5499ff133c779c5',
    ],
    [
      'everything',
      { system: 's', template: '{{ .Prompt }}', license: 'MIT & co', messages, parameters },
      '1ef6f0f58a23d30937f3a3a277df030db199f8d04390fb4a2103a75b175ecbc1',
    ],
  ])('is written byte by byte for %s', (_, declared, hex) => {
    expect(derive(created, declared).digest).toBe(`sha256:${hex}`);
  });
});

describe('parseParameterLayer', () => {
  it('reads values of any kind', () => {
    expect(parseParameterLayer(Buffer.from('{"stop":["a"],"num_ctx":4096,"x":null}\n'), 'it')).toEqual({
      stop: ['a'],
      num_ctx: 4096,
      x: null,
    });
  });

  test.each(['[]', '3', 'null', '{', ''])('refuses %j', (text) => {
    expect(() => parseParameterLayer(Buffer.from(text), 'it')).toThrow(expect.objectContaining({ reason: 'Corrupt' }));
  });
});
