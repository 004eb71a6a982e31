/** Takes orders from the queue; an order that comes twice counts once. */
import { setTimeout as pause } from 'node:timers/promises';
import { keepConnected } from './connection.mjs';

const taken = new Set();
let lastAt = Date.now();
let running = true;
process.once('SIGINT', () => (running = false));

const queue = keepConnected('consumer', async (connection) => {
  const channel = await connection.createChannel();
  channel.on('error', () => undefined);
  await channel.assertQueue('orders');
  await channel.consume('orders', (message) => {
    if (message === null) return;
    taken.add(message.content.toString());
    lastAt = Date.now();
    channel.ack(message);
  });
  return channel;
});

// Told to end, it takes what is still coming.
while (running || Date.now() - lastAt < 500) {
  await queue.channel();
  await pause(100);
}
await queue.close();
console.log(`consumer: ${taken.size} orders, ${queue.said.refused} refused`);
