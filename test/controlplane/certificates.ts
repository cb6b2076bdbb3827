// X.509 (RFC 5280) just as far as a test cluster needs it: an authority of its own, a serving certificate and client
// certificates, by which a test can be any user of any groups without restarting the API server.
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

export interface Certificate {
  /** PEM. */
  cert: string;
  /** PEM, PKCS #8, elliptic curve P-256. */
  key: string;
}

export interface Authority extends Certificate {
  readonly commonName: string;
}

export interface CertificateRequest {
  commonName: string;
  /** For a client: the groups that Kubernetes sees. */
  organizations?: readonly string[];
  dnsNames?: readonly string[];
  ipAddresses?: readonly string[];
}

const tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectId: 0x06,
  utf8: 0x0c,
  utcTime: 0x17,
  sequence: 0x30,
  set: 0x31,
  version: 0xa0,
  extensions: 0xa3,
  dnsName: 0x82,
  ipAddress: 0x87,
} as const;

const ids = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
} as const;

function der(type: number, ...contents: Uint8Array[]): Buffer {
  const body = Buffer.concat(contents);
  const size: number[] = [];
  for (let rest = body.length; rest > 0; rest = Math.floor(rest / 256)) size.unshift(rest % 256);
  const length = body.length < 0x80 ? [body.length] : [0x80 + size.length, ...size];
  return Buffer.concat([Buffer.from([type, ...length]), body]);
}

function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const digits = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) digits.unshift(0x80 + (left % 128));
    bytes.push(...digits);
  }
  return der(tag.objectId, Buffer.from(bytes));
}

const sequence = (...items: Uint8Array[]) => der(tag.sequence, ...items);
const integer = (bytes: Uint8Array) => der(tag.integer, bytes);
const bitString = (bytes: Uint8Array, unusedBits = 0) => der(tag.bitString, Buffer.from([unusedBits]), bytes);
const text = (value: string) => der(tag.utf8, Buffer.from(value));
const attribute = (id: string, value: string) => der(tag.set, sequence(objectId(id), text(value)));
const truth = der(tag.boolean, Buffer.from([0xff]));
const algorithm = sequence(objectId(ids.ecdsaWithSha256));

const distinguishedName = (commonName: string, organizations: readonly string[] = []) =>
  sequence(...organizations.map((name) => attribute(ids.organization, name)), attribute(ids.commonName, commonName));

const utcTime = (ms: number) =>
  der(tag.utcTime, Buffer.from(`${new Date(ms).toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`));

const extension = (id: string, critical: boolean, value: Buffer) =>
  sequence(objectId(id), ...(critical ? [truth] : []), der(tag.octetString, value));

const authorityExtensions = [
  extension(ids.basicConstraints, true, sequence(truth)),
  extension(ids.keyUsage, true, bitString(Buffer.from([0b0000_0110]), 1)), // keyCertSign, cRLSign
];

function leafExtensions({ dnsNames = [], ipAddresses = [] }: CertificateRequest): Buffer[] {
  const names = [
    ...dnsNames.map((name) => der(tag.dnsName, Buffer.from(name))),
    ...ipAddresses.map((address) => der(tag.ipAddress, Buffer.from(address.split('.').map(Number)))),
  ];
  return [
    extension(ids.keyUsage, true, bitString(Buffer.from([0b1000_0000]), 7)), // digitalSignature
    extension(ids.extendedKeyUsage, false, sequence(objectId(ids.serverAuth), objectId(ids.clientAuth))),
    ...(names.length > 0 ? [extension(ids.subjectAltName, false, sequence(...names))] : []),
  ];
}

const pem = (label: string, bytes: Buffer) =>
  `-----BEGIN ${label}-----\n${(bytes.toString('base64').match(/.{1,64}/g) ?? []).join('\n')}\n-----END ${label}-----\n`;

const hour = 3_600_000;

function issue(subject: Buffer, issuer: Buffer, signer: KeyObject, key: KeyPair, extensions: Buffer[], now: number) {
  const serial = randomBytes(12);
  serial[0] = 0x01; // positive, and never an empty leading octet
  const body = sequence(
    der(tag.version, integer(Buffer.from([2]))),
    integer(serial),
    algorithm,
    issuer,
    sequence(utcTime(now - hour), utcTime(now + 30 * 24 * hour)),
    subject,
    key.publicKey.export({ type: 'spki', format: 'der' }),
    der(tag.extensions, sequence(...extensions)),
  );
  return {
    cert: pem('CERTIFICATE', sequence(body, algorithm, bitString(sign('sha256', body, signer)))),
    key: key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

interface KeyPair {
  publicKey: KeyObject;
  privateKey: KeyObject;
}

const keyPair = (): KeyPair => generateKeyPairSync('ec', { namedCurve: 'prime256v1' });

/** A new certificate authority, good for 30 days. `now` is in milliseconds since the epoch. */
export function createAuthority(commonName: string, now: number): Authority {
  const key = keyPair();
  const name = distinguishedName(commonName);
  return { commonName, ...issue(name, name, key.privateKey, key, authorityExtensions, now) };
}

/** A certificate for a server or a client, signed by `authority`, good for 30 days. */
export function issueCertificate(authority: Authority, request: CertificateRequest, now: number): Certificate {
  const subject = distinguishedName(request.commonName, request.organizations);
  const issuer = distinguishedName(authority.commonName);
  return issue(subject, issuer, createPrivateKey(authority.key), keyPair(), leafExtensions(request), now);
}

/** The key pair with which service account tokens are signed and checked. PEM. */
export function serviceAccountKeys(): { publicKey: string; privateKey: string } {
  const { publicKey, privateKey } = keyPair();
  return {
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}
