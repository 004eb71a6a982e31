/** What a connection failed of, in words of ours: the libraries' own may quote what was sent. */
import { AdapterError } from '../domain/errors.js';

/** What TLS calls a certificate that it does not trust. */
const ofCertificates = /CERT|SELF_SIGNED|VERIFY_LEAF/;

/** What TLS calls an answer that is none of its own. */
const ofNoTls = /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|^EPROTO$/;

/** `who` begins the sentence: "the server". */
export function networkFault(error: unknown, who: string): AdapterError {
  if (isNamed(error, 'TimeoutError'))
    return new AdapterError('timed-out', `${who} did not answer in time`);
  if (codesOf(error).some((code) => ofCertificates.test(code)))
    return new AdapterError(
      'refused',
      `the certificate of ${who} is not trusted (NODE_EXTRA_CA_CERTS names a file of further authorities)`,
    );
  if (codesOf(error).some((code) => ofNoTls.test(code)))
    return new AdapterError('refused', `${who} does not speak TLS at this address`);
  return new AdapterError('unreachable', `${who} cannot be reached, or failed`);
}

/** Not by their class: a library's errors may be of another realm. */
function fieldOf(error: unknown, name: 'name' | 'code' | 'cause'): unknown {
  return typeof error === 'object' && error !== null && name in error
    ? (error as Record<typeof name, unknown>)[name]
    : undefined;
}

function isNamed(error: unknown, name: string): boolean {
  return fieldOf(error, 'name') === name;
}

/** `fetch` tells the cause in the error's cause. By its fields: Node's own errors are of another realm within a test. */
function codesOf(error: unknown): string[] {
  if (error === undefined) return [];
  const code = fieldOf(error, 'code');
  return [...(typeof code === 'string' ? [code] : []), ...codesOf(fieldOf(error, 'cause'))];
}
