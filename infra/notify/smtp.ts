/** E-mail: encrypted on its way, but to this machine. */
import { readFileSync } from 'node:fs';
import type { Transporter } from 'nodemailer';
import { z } from 'zod';
import { AdapterError, type AdapterErrorCode } from '../../domain/errors.js';
import { readSecretFile } from '../../reach/secret-file.js';
import { channelKind, SendTimeout, within, type Channel, type Message } from './kind.js';
import { paragraphsOf, subjectOf } from './text.js';

const Mailbox = z.email();

const Options = z
  .strictObject({
    host: z.string().min(1),
    port: z.number().int().min(1).max(65_535).default(587),
    /** `implicit`: from the first byte, usually on port 465. */
    tls: z.enum(['starttls', 'implicit', 'none']).default('starttls'),
    caFile: z
      .string()
      .optional()
      .describe('who signed its certificate, where the system does not know'),
    user: z.string().min(1).optional(),
    passwordFile: z.string().min(1).optional().describe('a file of mode 0600'),
    from: Mailbox,
    to: z.array(Mailbox).min(1).max(50),
    timeoutMs: SendTimeout,
  })
  .superRefine(({ host, tls, user, passwordFile }, context) => {
    if (tls === 'none' && !['127.0.0.1', '::1', 'localhost'].includes(host))
      context.addIssue({
        code: 'custom',
        path: ['tls'],
        message: `${host} is not this machine: mail to it needs TLS`,
      });
    if ((user === undefined) !== (passwordFile === undefined))
      context.addIssue({
        code: 'custom',
        path: ['passwordFile'],
        message: 'expected together with user',
      });
  });
type Options = z.output<typeof Options>;

export const smtp = channelKind({ kind: 'smtp', options: Options, open });

function open(options: Options): Channel {
  const { from, to, timeoutMs } = options;
  const attempt = async (
    work: (transport: Transporter) => Promise<unknown>,
    given: AbortSignal,
  ): Promise<void> => {
    const signal = within(timeoutMs, given);
    try {
      const transport = await openTransport(transportOf(options));
      await Promise.race([work(transport), aborted(signal)]);
    } catch (error) {
      throw toAdapterError(error);
    }
  };
  return {
    send: async (message, signal) => {
      const mail = {
        from,
        to: [...to],
        subject: `[rotor] ${subjectOf(message)}`,
        text: textOf(message),
        // Whoever gets it twice can drop it; and nobody answers with "I am on holiday".
        messageId: `<${message.id}@rotor>`,
        headers: { 'auto-submitted': 'auto-generated', 'x-rotor-event': message.id },
        disableFileAccess: true,
        disableUrlAccess: true,
      };
      await attempt((transport) => transport.sendMail(mail), signal);
    },
    check: async (signal) => {
      await attempt((transport) => transport.verify(), signal);
      return `to ${to.join(', ')} by ${options.host}:${options.port}`;
    },
  };
}

/** The library is loaded with the first message. */
async function openTransport(described: ReturnType<typeof transportOf>): Promise<Transporter> {
  const { createTransport } = await import('nodemailer');
  return createTransport(described);
}

/** Each time: somebody may have put another password there. */
function transportOf({ host, port, tls, caFile, user, passwordFile, timeoutMs }: Options) {
  const pass = passwordFile === undefined ? undefined : readSecretFile(passwordFile).reveal();
  return {
    host,
    port,
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    dnsTimeout: timeoutMs,
    ...(caFile === undefined ? {} : { tls: { ca: readCertificate(caFile) } }),
    ...(user === undefined ? {} : { auth: { user, pass } }),
  };
}

function readCertificate(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    throw new AdapterError('not-permitted', `${file} cannot be read`);
  }
}

function textOf(message: Message): string {
  const paragraphs = paragraphsOf(message).map(({ title, lines }) => [title, ...lines].join('\n'));
  return `${paragraphs.join('\n\n')}\n\n-- \nrotor ${message.id}\n`;
}

class Aborted extends Error {}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => reject(new Aborted());
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

const told: Readonly<Record<string, readonly [AdapterErrorCode, string]>> = {
  ETIMEDOUT: ['timed-out', 'the mail server did not answer in time'],
  EAUTH: ['not-permitted', 'the mail server refuses the user or the password'],
  ETLS: [
    'not-permitted',
    'the mail server cannot be spoken to in TLS, or its certificate is not trusted',
  ],
  EENVELOPE: ['refused', 'the mail server refuses the sender or the recipients'],
  EMESSAGE: ['refused', 'the mail server refuses the message'],
};

/** What the server itself said is not carried over. */
function toAdapterError(error: unknown): AdapterError {
  if (error instanceof AdapterError) return error;
  if (error instanceof Aborted)
    return new AdapterError('timed-out', 'the mail server did not answer in time');
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const [kind, message] = told[code] ?? ['unreachable', 'the mail server cannot be reached'];
  return new AdapterError(kind, message);
}
