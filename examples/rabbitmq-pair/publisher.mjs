/** Publishes orders, one after the other, each confirmed by the server. */
import { setTimeout as pause } from 'node:timers/promises';
import { keepConnected } from './connection.mjs';

let published = 0;
let running = true;
process.once('SIGINT', () => (running = false));

const queue = keepConnected('publisher', async (connection) => {
  const channel = await connection.createConfirmChannel();
  channel.on('error', () => undefined);
  await channel.assertQueue('orders');
  return channel;
});

let order = 0;
while (running) {
  try {
    const channel = await queue.channel();
    channel?.sendToQueue('orders', Buffer.from(String(order)), { persistent: true });
    await channel?.waitForConfirms();
    if (channel !== undefined) [published, order] = [published + 1, order + 1];
  } catch (error) {
    // Not confirmed: the same order is sent once more.
    console.error(`publisher: ${error.message}`);
  }
  await pause(100);
}
await queue.close();
console.log(`publisher: ${published} orders, ${queue.said.refused} refused`);
