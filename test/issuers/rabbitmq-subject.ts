/** A template user and a virtual host of its own on a RabbitMQ, and programs that connect with a version's URL. */
import { randomBytes, randomUUID } from 'node:crypto';
import { connect, type ChannelModel } from 'amqplib';
import { rabbitmqUser } from '../../issuers/rabbitmq-user/index.js';
import { leave } from '../../issuers/rabbitmq-user/login.js';
import type { PreparedIssuer } from '../contracts/hold-to-issuer.js';
import type { AddressOf } from '../targets/index.js';
import { readCredential } from '../targets/serving.js';
import { contextOf } from './context.js';

export interface RabbitAnswer {
  readonly status: number;
  readonly body: unknown;
}

export interface PreparedRabbit extends PreparedIssuer {
  /** The template. */
  readonly user: string;
  readonly vhost: string;
  readonly options: Readonly<Record<string, string>>;
  /** As the administrator. */
  ask(method: string, path: string, body?: object): Promise<RabbitAnswer>;
  open(options: object): PreparedIssuer['issuer'];
}

export async function prepareRabbit(server: AddressOf<'rabbitmq'>): Promise<PreparedRabbit> {
  const installation = randomUUID();
  const own = randomBytes(6).toString('hex');
  const [user, vhost] = [`app-${own}`, `vhost/${own}`];
  const login = Buffer.from(`${server.user}:${readCredential(server.passwordFile)}`);
  const ask = async (method: string, path: string, body?: object): Promise<RabbitAnswer> => {
    const response = await fetch(`${server.url}/api/${path}`, {
      method,
      headers: {
        authorization: `Basic ${login.toString('base64')}`,
        'content-type': 'application/json',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  };
  const at = encodeURIComponent(vhost);
  await ask('PUT', `vhosts/${at}`);
  await ask('PUT', `users/${user}`, { password_hash: '', tags: 'team-a' });
  const all = { configure: '^app', write: '.*', read: '.*' };
  await ask('PUT', `permissions/${at}/${user}`, all);
  const topics = { exchange: 'amq.topic', write: '^app', read: '.*' };
  await ask('PUT', `topic-permissions/${at}/${user}`, topics);
  await ask('PUT', `user-limits/${user}/max-connections`, { value: 20 });
  const amqpUrl = `amqp://${server.host}:${String(server.port)}`;
  const { url, passwordFile } = server;
  const options = { url, user: server.user, passwordFile, amqpUrl };
  const open = (changed: object) =>
    rabbitmqUser.open(
      rabbitmqUser.options.parse({ ...options, ...changed }),
      contextOf(installation),
    );
  return {
    issuer: open({}),
    installation,
    user,
    vhost,
    options,
    ask,
    open,
    secret: { secretId: randomUUID(), name: 'acme/queue', specification: { user, vhost } },
    use: logsIn,
    plant: async () => {
      const name = `${user}_${randomBytes(6).toString('hex')}`;
      const tags = `rotor:${randomUUID()}/${randomUUID()}`;
      await ask('PUT', `users/${name}`, { password: randomUUID(), tags });
      return name;
    },
    close: async () => {
      const { body } = await ask('GET', 'users');
      const names = (body as { name: string }[]).map(({ name }) => name);
      for (const name of names.filter((one) => one.startsWith(user)))
        await ask('DELETE', `users/${name}`);
      await ask('DELETE', `vhosts/${at}`);
    },
  };
}

export async function connection(url: string, name: string): Promise<ChannelModel> {
  const made = await connect(url, { timeout: 10_000, clientProperties: { connection_name: name } });
  made.on('error', () => undefined);
  return made;
}

async function logsIn(url: string, name: string): Promise<boolean> {
  try {
    await leave(await connection(url, name));
    return true;
  } catch (error) {
    if (String(error).includes('ACCESS-REFUSED')) return false;
    throw error;
  }
}
