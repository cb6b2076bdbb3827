// Whatever anybody writes or serves: references, manifests, headers and parameters are read or refused, and nothing else happens.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf, isDigest } from '../../src/models/digest.ts';
import { PullError } from '../../src/models/errors.ts';
import { readGguf } from '../../src/models/gguf.ts';
import { goJson, sortedKeys } from '../../src/models/goJson.ts';
import { layerMediaTypes, parseConfig, parseManifest } from '../../src/models/manifest.ts';
import { derive, manifestBytes } from '../../src/models/modelfile.ts';
import { parameterKinds, parameterNameProblem, suggestParameter } from '../../src/models/parameters.ts';
import {
  formatReference,
  manifestPath,
  parseReference,
  referenceOfPath,
  referenceProblem,
  shortReference,
} from '../../src/models/reference.ts';
import { tinyGguf } from '../unit/models/tinyGguf.ts';

const lettersFirst = '_abzABZ019';
const part = (rest: string, max: number) =>
  fc
    .tuple(
      fc.constantFrom(...lettersFirst),
      fc.string({ unit: fc.constantFrom(...lettersFirst, ...rest), maxLength: max - 1 }),
    )
    .map(([first, others]) => first + others);
const reference = fc.record({
  host: part('.:-', 350),
  namespace: part('-', 80),
  model: part('.-', 80),
  tag: part('.-', 80),
});

/** What a call comes to: its value, or the PullError that it throws. Anything else that is thrown fails the test. */
function answer<T>(act: () => T): T | PullError {
  try {
    return act();
  } catch (error) {
    if (error instanceof PullError) return error;
    throw error;
  }
}

describe('references', () => {
  it('read back from each of their forms', () => {
    fc.assert(
      fc.property(reference, (parts) => {
        expect(parseReference(formatReference(parts))).toEqual(parts);
        expect(referenceOfPath(manifestPath(parts))).toEqual(parts);
        const short = parseReference(shortReference(parts));
        expect(formatReference(short).toLowerCase()).toBe(formatReference(parts).toLowerCase());
      }),
    );
  });

  it('are either refused with a reason, or lead to a place four folders below manifests', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom('a', 'B', '.', '/', ':', '-', '@', '_') }),
    );
    fc.assert(
      fc.property(text, (given) => {
        const read = answer(() => parseReference(given));
        const problem = referenceProblem(given);
        expect(read instanceof PullError).toBe(problem !== undefined);
        if (read instanceof PullError) {
          expect(read.reason).toBe('InvalidReference');
          return;
        }
        const folders = manifestPath(read).split('/');
        expect(folders).toHaveLength(4);
        for (const folder of folders) expect(folder).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_.:-]*$/);
      }),
      { numRuns: 500 },
    );
  });
});

const layer = fc.record({
  mediaType: fc.constantFrom(...Object.values(layerMediaTypes), 'application/x'),
  digest: fc.string().map((text) => digestOf(text)),
  size: fc.nat(),
});

describe('manifests', () => {
  it('keep their layers and digest through bytes', () => {
    fc.assert(
      fc.property(layer, fc.uniqueArray(layer, { selector: ({ digest }) => digest }), (config, layers) => {
        fc.pre(layers.every(({ digest }) => digest !== config.digest));
        const bytes = manifestBytes(config, layers);
        const raw = parseManifest(bytes, 'it');
        expect(raw.manifest.layers).toEqual(layers);
        expect(raw.manifest.config).toEqual(config);
        expect(raw.digest).toBe(digestOf(bytes));
      }),
    );
  });

  it('are refused in words whatever arrives, and never let a digest through that could name another file', () => {
    const wild = fc.oneof(
      fc.json().map((text) => Buffer.from(text)),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      fc
        .record({
          schemaVersion: fc.constantFrom(2, 1, '2'),
          config: fc.oneof(fc.jsonValue(), layer),
          layers: fc.oneof(
            fc.jsonValue(),
            fc.array(fc.record({ mediaType: fc.string(), digest: fc.string(), size: fc.jsonValue() })),
          ),
        })
        .map((value) => Buffer.from(JSON.stringify(value))),
    );
    fc.assert(
      fc.property(wild, (bytes) => {
        const config = answer(() => parseConfig(bytes, 'it'));
        if (config instanceof PullError) expect(config.reason).toBe('Corrupt');
        const read = answer(() => parseManifest(bytes, 'it'));
        if (read instanceof PullError) expect(['Corrupt', 'NotFound']).toContain(read.reason);
        else for (const { digest } of read.manifest.layers) expect(isDigest(digest)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

describe('GGUF headers', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'models-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('are read or refused, never believed without bound, when bytes of them are wrong', async () => {
    const whole = tinyGguf();
    const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.constantFrom(0, 1, 9, 0x7f, 0xff)), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(damage, fc.nat(whole.length), async (changes, size) => {
        const bytes = Buffer.from(whole);
        for (const [at, value] of changes) bytes[at] = value;
        const path = join(folder, 'damaged.gguf');
        await writeFile(path, size % 3 === 0 ? bytes.subarray(0, size) : bytes);
        const read = await readGguf(path).catch((error: unknown) => error);
        if (read instanceof Error) expect(read).toMatchObject({ name: 'PullError', reason: 'Corrupt' });
        else expect(read).toMatchObject({ architecture: expect.any(String), parameterCount: expect.any(Number) });
      }),
      { numRuns: 300 },
    );
  });
});

describe('derived models', () => {
  const base = {
    reference: parseReference('m'),
    manifest: { layers: [{ mediaType: layerMediaTypes.model, digest: digestOf('w'), size: 1 }] },
    config: {},
    parameters: {},
  };
  const numbers = (Object.keys(parameterKinds) as (keyof typeof parameterKinds)[]).filter(
    (name) => parameterKinds[name] === 'int',
  );
  const parameters = fc.uniqueArray(fc.record({ name: fc.constantFrom(...numbers), value: fc.nat().map(String) }), {
    selector: ({ name }) => name,
  });

  it('do not depend on the order in which parameters are declared', () => {
    fc.assert(
      fc.property(parameters, fc.string({ unit: 'binary' }), (list, system) => {
        const derived = derive(base, { system, parameters: list });
        expect(derive(base, { system, parameters: list.toReversed() }).digest).toBe(derived.digest);
        expect(parseManifest(derived.bytes, 'it').manifest).toEqual(derived.manifest);
        for (const { digest, bytes } of derived.blobs) expect(digestOf(bytes)).toBe(digest);
      }),
    );
  });

  it('differ where what is declared differs', () => {
    const text = fc.string({ minLength: 1 });
    fc.assert(
      fc.property(text, text, (one, other) => {
        fc.pre(one !== other);
        const digest = (system: string) => derive(base, { system, parameters: [] }).digest;
        expect(digest(one)).not.toBe(digest(other));
      }),
    );
  });
});

describe('small things', () => {
  it('JSON in the form of Go is JSON of the same meaning', () => {
    const value = fc.jsonValue({ maxDepth: 4 });
    fc.assert(
      fc.property(value, (given) => {
        const plain = JSON.parse(JSON.stringify(given));
        expect(JSON.parse(goJson(sortedKeys(plain)).toString())).toEqual(plain);
      }),
    );
  });

  it('a typo of one letter in a long name is always understood', () => {
    const long = Object.keys(parameterKinds).filter((name) => name.length >= 8);
    fc.assert(
      fc.property(fc.constantFrom(...long), fc.nat(), (name, position) => {
        const at = position % name.length;
        const typo = name.slice(0, at) + name.slice(at + 1);
        fc.pre(!Object.hasOwn(parameterKinds, typo));
        expect(suggestParameter(typo)).toBe(name);
        expect(parameterNameProblem(typo)).toContain(`it is ${name}`);
      }),
    );
  });
});
