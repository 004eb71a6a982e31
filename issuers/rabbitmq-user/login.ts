/** One AMQP login, closed at once: whether the server takes a user's password. */
import type { ChannelModel } from 'amqplib';
import { AdapterError, CredentialRefused } from '../../domain/errors.js';
import { networkFault } from '../../reach/network-fault.js';

export interface Login {
  /** amqp(s)://host:port, without a login. */
  readonly url: string;
  readonly user: string;
  readonly password: string;
  readonly vhost: string;
  /** How the connection is called in the server's list. */
  readonly name: string;
}

export const loginTimeoutMs = 5_000;

/** Throws CredentialRefused where the server does not take the login, and AdapterError for all else. */
export async function logIn(login: Login): Promise<void> {
  const { connect } = (await import('amqplib')).default;
  const { url, user, password, vhost, name } = login;
  const { protocol, hostname, port } = new URL(url);
  const where = {
    protocol: protocol.slice(0, -1),
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port) || (protocol === 'amqps:' ? 5671 : 5672),
  };
  const socket = { timeout: loginTimeoutMs, clientProperties: { connection_name: name } };
  try {
    const connection = await connect({ ...where, vhost, username: user, password }, socket);
    connection.on('error', () => undefined);
    await leave(connection);
  } catch (error) {
    throw faultOf(error, vhost);
  }
}

/** A server that ends the connection at the same time does not answer our farewell: its end is enough. */
export async function leave(connection: ChannelModel): Promise<void> {
  const ended = new Promise<void>((resolve) => connection.once('close', () => resolve()));
  await Promise.race([connection.close(), ended]);
}

/** The library tells a server's answers in its own sentences, after which the server's come: they stay behind. */
function faultOf(error: unknown, vhost: string): Error {
  const text = error instanceof Error ? error.message : '';
  if (text.startsWith('Handshake terminated by server: 403 ')) return new CredentialRefused();
  if (text.startsWith('Expected ConnectionOpenOk'))
    return new AdapterError(
      'refused',
      `RabbitMQ takes the login and does not open virtual host ${vhost}: is it there, may the user enter it, is a limit reached?`,
    );
  return networkFault(error, 'RabbitMQ (AMQP)');
}
