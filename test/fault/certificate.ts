// A self-signed certificate for 127.0.0.1 and localhost, made afresh per run so that no private key lies in the repository.
import { generateKeyPairSync, sign } from 'node:crypto';

export interface Certificate {
  /** PEM; doubles as the certificate authority a client has to trust. */
  cert: string;
  key: string;
}

const tag = {
  boolean: 1,
  integer: 2,
  bits: 3,
  octets: 4,
  oid: 6,
  utf8: 12,
  generalizedTime: 24,
  sequence: 48,
  set: 49,
};

function der(type: number, ...parts: Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const long = content.length > 127; // DER wants the shortest form; nothing here reaches 65 536 bytes
  const wide = content.length > 255 ? [0x82, Math.floor(content.length / 256)] : [0x81];
  const length = [...(long ? wide : []), content.length % 256];
  return Buffer.concat([Buffer.from([type, ...length]), content]);
}

const bytes = (...values: number[]) => Buffer.from(values);
const oid = (hex: string) => der(tag.oid, Buffer.from(hex, 'hex'));
const time = (text: string) => der(tag.generalizedTime, Buffer.from(text));

const ecdsaWithSha256 = der(tag.sequence, oid('2a8648ce3d040302'));
const commonName = der(tag.sequence, oid('550403'), der(tag.utf8, Buffer.from('fault server')));
const name = der(tag.sequence, der(tag.set, commonName));

function extensions(): Buffer {
  const names = der(tag.sequence, der(0x82, Buffer.from('localhost')), der(0x87, bytes(127, 0, 0, 1)));
  const subjectAltName = der(tag.sequence, oid('551d11'), der(tag.octets, names));
  const authority = der(tag.sequence, der(tag.boolean, bytes(0xff)));
  const basicConstraints = der(tag.sequence, oid('551d13'), der(tag.octets, authority));
  return der(0xa3, der(tag.sequence, subjectAltName, basicConstraints));
}

const pem = (label: string, body: Buffer) =>
  [`-----BEGIN ${label}-----`, ...(body.toString('base64').match(/.{1,64}/g) ?? []), `-----END ${label}-----`, ''].join(
    '\n',
  );

/** A fresh ECDSA key and its certificate (RFC 5280), valid from 2000 to 2100. */
export function selfSigned(): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const toBeSigned = der(
    tag.sequence,
    der(0xa0, der(tag.integer, bytes(2))),
    der(tag.integer, bytes(1)),
    ecdsaWithSha256,
    name,
    der(tag.sequence, time('20000101000000Z'), time('21000101000000Z')),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    extensions(),
  );
  const signature = der(tag.bits, bytes(0), sign('sha256', toBeSigned, privateKey));
  return {
    cert: pem('CERTIFICATE', der(tag.sequence, toBeSigned, ecdsaWithSha256, signature)),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}
