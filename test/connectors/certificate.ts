/** A certificate of a server on this machine, signed by itself: made anew for each test, so that none is kept or expires. */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

export interface Certified {
  readonly key: string;
  readonly cert: string;
}

/** DER (ITU-T X.690): a tag, a length, and what is in it. */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  return Buffer.concat([Buffer.from([tag, ...size(length)]), content]);
}

/** The shortest form: strict readers take no other. */
function size(length: number): number[] {
  if (length < 0x80) return [length];
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
}

const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts);
const objectId = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));

function utcTime(at: Date): Buffer {
  const digits = at.toISOString().replaceAll(/[-:T]/g, '').slice(2, 14);
  return der(0x17, Buffer.from(`${digits}Z`));
}

/** RFC 5280: version 3, valid for an hour, for 127.0.0.1 and the given name. */
export function certificateFor(name: string): Certified {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ecdsaWithSha256 = sequence(objectId('2a8648ce3d040302'));
  const commonName = sequence(objectId('550403'), der(0x0c, Buffer.from(name)));
  const subject = sequence(der(0x31, commonName));
  const [begin, end] = [-3_600_000, 3_600_000].map((ms) => new Date(Date.now() + ms));
  const alternatives = sequence(
    der(0x82, Buffer.from(name)),
    der(0x87, Buffer.from([127, 0, 0, 1])),
  );
  const extensions = sequence(sequence(objectId('551d11'), der(0x04, alternatives)));
  const certificate = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1]), randomBytes(8)),
    ecdsaWithSha256,
    subject,
    sequence(utcTime(begin ?? new Date()), utcTime(end ?? new Date())),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, extensions),
  );
  const signature = der(0x03, Buffer.from([0]), sign('sha256', certificate, privateKey));
  const whole = sequence(certificate, ecdsaWithSha256, signature).toString('base64');
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${whole}\n-----END CERTIFICATE-----\n`,
  };
}
