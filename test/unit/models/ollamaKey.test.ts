import { generateKeyPairSync, type KeyObject, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseOllamaKey } from '../../../src/models/ollamaKey.ts';

const field = (bytes: Uint8Array | string) => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(Buffer.byteLength(bytes));
  return Buffer.concat([length, Buffer.from(bytes)]);
};

const number = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

const armoured = (bytes: Buffer) =>
  `-----BEGIN OPENSSH PRIVATE KEY-----\n${bytes.toString('base64').replace(/.{70}/g, '$&\n')}\n-----END OPENSSH PRIVATE KEY-----\n`;

interface Changes {
  cipher?: string;
  keys?: number;
  type?: string;
  check?: number;
}

/** As ssh-keygen -t ed25519 -N '' writes it (PROTOCOL.key of OpenSSH). */
function opensshBytes(
  privateKey: KeyObject,
  { cipher = 'none', keys = 1, type = 'ssh-ed25519', check = 7 }: Changes = {},
) {
  const { x = '', d = '' } = privateKey.export({ format: 'jwk' });
  const [open, seed] = [Buffer.from(x, 'base64url'), Buffer.from(d, 'base64url')];
  const publicBlob = Buffer.concat([field(type), field(open)]);
  const secret = Buffer.concat([
    number(7),
    number(check),
    field(type),
    field(open),
    field(Buffer.concat([seed, open])),
    field('a comment'),
    Buffer.from([1, 2, 3]),
  ]);
  return Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    field(cipher),
    field('none'),
    field(''),
    number(keys),
    field(publicBlob),
    field(secret),
  ]);
}

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const parse = (text: string) => parseOllamaKey(text, 'id_ed25519 of Secret key');

describe("Ollama's key", () => {
  it('signs, and puts the public key in front of the signature', () => {
    const header = parse(armoured(opensshBytes(privateKey))).authorization('GET,https://x,abc');
    const [open = '', signature = ''] = header.split(':');
    expect(verify(null, Buffer.from('GET,https://x,abc'), publicKey, Buffer.from(signature, 'base64'))).toBe(true);
    const blob = Buffer.from(open, 'base64');
    expect(blob.subarray(0, 15)).toEqual(field('ssh-ed25519'));
    expect(blob.subarray(19).toString('base64url')).toBe(publicKey.export({ format: 'jwk' }).x);
  });

  it('tells the line that one adds to the account', () => {
    expect(parse(armoured(opensshBytes(privateKey))).publicKey).toMatch(
      /^ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI[\w+/]{43}$/,
    );
  });

  it('is also read in PKCS#8 form', () => {
    const text = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    expect(parse(text).publicKey).toBe(parse(armoured(opensshBytes(privateKey))).publicKey);
  });

  it.each<[string, Changes, string]>([
    ['with a passphrase', { cipher: 'aes256-ctr' }, 'passphrase'],
    ['of several', { keys: 2 }, 'exactly one key'],
    ['of another kind', { type: 'ssh-rsa' }, 'no ed25519 key'],
    ['that is damaged', { check: 8 }, 'damaged'],
  ])('%s is refused by name', (_, changes, why) => {
    const act = () => parse(armoured(opensshBytes(privateKey, changes)));
    expect(act).toThrow(why);
    expect(act).toThrow('id_ed25519 of Secret key');
    expect(act).toThrow(expect.objectContaining({ reason: 'SecretMissing' }));
  });

  it('that is cut short anywhere is refused, never misread', () => {
    const whole = opensshBytes(privateKey);
    const comment = whole.length - 3 - field('a comment').length;
    for (let length = 0; length < comment; length++)
      expect(() => parse(armoured(whole.subarray(0, length))), `after ${length}`).toThrow(
        expect.objectContaining({ reason: 'SecretMissing' }),
      );
  });

  it('of another algorithm, and what is none, is refused without being repeated', () => {
    const rsa = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
    expect(() => parse(rsa.export({ type: 'pkcs8', format: 'pem' }).toString())).toThrow('no ed25519 key');
    const act = () => parse('hunter2');
    expect(act).toThrow('no private key');
    expect(act).not.toThrow('hunter2');
  });
});
