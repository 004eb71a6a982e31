import { EventEmitter } from 'node:events';
import { expect, test } from '@jest/globals';
import type { ChannelModel } from 'amqplib';
import { leave } from '../../issuers/rabbitmq-user/login.js';

/** As amqplib is where the server ends the connection instead of answering: it tells the end, and answers nobody. */
function unanswered(): ChannelModel {
  const close = () => new Promise<never>(() => undefined);
  return Object.assign(new EventEmitter(), { close }) as unknown as ChannelModel;
}

test('whoever leaves a server that ends the connection at the same time is not kept waiting', async () => {
  const connection = unanswered();
  const left = leave(connection);
  connection.emit('close');
  await expect(left).resolves.toBeUndefined();
});
