// The key by which Ollama's registry knows an account: an unencrypted ed25519 key in OpenSSH's own format, as `ollama` makes it.
import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { PullError } from './errors.ts';

export interface OllamaKey {
  /** Value of an Authorization header for these bytes: public key and signature (Ollama's auth/auth.go). */
  authorization(signed: string): string;
  /** As in id_ed25519.pub, without a comment: what one adds to the account. */
  readonly publicKey: string;
}

const KEY_TYPE = 'ssh-ed25519';
const MAGIC = 'openssh-key-v1\0';
const ARMOUR = /^-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]*?)-----END OPENSSH PRIVATE KEY-----/;

/** `what` names the key in messages, such as `id_ed25519 of Secret ollama-key`. Throws a PullError `SecretMissing`. */
export function parseOllamaKey(text: string, what: string): OllamaKey {
  const refuse = (why: string, cause?: unknown) => new PullError('SecretMissing', `${what} ${why}`, { cause });
  const body = ARMOUR.exec(text.trim())?.[1];
  if (body !== undefined) return keyOf(opensshKey(Buffer.from(body, 'base64'), refuse));
  try {
    const key = createPrivateKey(text);
    if (key.asymmetricKeyType === 'ed25519') return keyOf(key);
  } catch {
    // The cause may quote the key, so it is left out.
    throw refuse('is no private key; it must be the file ~/.ollama/id_ed25519');
  }
  throw refuse('is no ed25519 key, which is the only kind that Ollama knows');
}

type Refuse = (why: string, cause?: unknown) => PullError;

/** PROTOCOL.key of OpenSSH. */
function opensshKey(bytes: Buffer, refuse: Refuse): KeyObject {
  try {
    const fields = fieldReader(bytes);
    if (fields.raw(MAGIC.length).toString('latin1') !== MAGIC) throw refuse('is no OpenSSH private key');
    const cipher = fields.text();
    fields.field(); // name of the key derivation
    fields.field(); // and its options
    if (cipher !== 'none') throw refuse('is protected by a passphrase; make one without, as ollama does');
    if (fields.uint32() !== 1) throw refuse('must hold exactly one key');
    fields.field(); // public key
    return ed25519Of(fieldReader(fields.field()), refuse);
  } catch (error) {
    if (error instanceof RangeError) throw refuse('is cut short');
    throw error;
  }
}

function ed25519Of(fields: FieldReader, refuse: Refuse): KeyObject {
  // The same number twice: a wrong passphrase would show here.
  const [check, again] = [fields.uint32(), fields.uint32()];
  if (check !== again) throw refuse('is damaged');
  if (fields.text() !== KEY_TYPE) throw refuse('is no ed25519 key, which is the only kind that Ollama knows');
  const x = fields.field();
  const pair = fields.field(); // seed, then the public key once more
  if (x.length !== 32 || pair.length !== 64) throw refuse('is damaged');
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: x.toString('base64url'), d: pair.subarray(0, 32).toString('base64url') };
  return createPrivateKey({ key: jwk, format: 'jwk' });
}

interface FieldReader {
  uint32(): number;
  /** Length, then so many bytes. */
  field(): Buffer;
  text(): string;
  raw(length: number): Buffer;
}

/** Throws a RangeError at the end of the bytes. */
function fieldReader(bytes: Buffer): FieldReader {
  let at = 0;
  const raw = (length: number) => {
    if (at + length > bytes.length) throw new RangeError('no more bytes');
    at += length;
    return bytes.subarray(at - length, at);
  };
  const uint32 = () => raw(4).readUInt32BE();
  const field = () => raw(uint32());
  return { uint32, field, text: () => field().toString('latin1'), raw };
}

const lengthPrefixed = (bytes: Buffer) => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
};

function keyOf(key: KeyObject): OllamaKey {
  const { x = '' } = createPublicKey(key).export({ format: 'jwk' });
  const blob = Buffer.concat([lengthPrefixed(Buffer.from(KEY_TYPE)), lengthPrefixed(Buffer.from(x, 'base64url'))]);
  const encoded = blob.toString('base64');
  return {
    publicKey: `${KEY_TYPE} ${encoded}`,
    authorization: (signed) => `${encoded}:${sign(null, Buffer.from(signed), key).toString('base64')}`,
  };
}
