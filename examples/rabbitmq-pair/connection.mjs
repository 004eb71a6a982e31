/** One connection for as long as a program runs: made anew when its file has another URL, and when it was closed. */
import { readFileSync } from 'node:fs';
import { connect } from 'amqplib';
import { parse } from 'dotenv';

/** A server that ends the connection at the same time does not answer a farewell: its end is enough. */
function leave(connection) {
  const ended = new Promise((resolve) => connection.once('close', resolve));
  return Promise.race([connection.close().catch(() => undefined), ended]);
}

/** `begin` makes what the program does with a connection, and returns its channel. */
export function keepConnected(name, begin) {
  const file = new URL(`${name}.env`, import.meta.url);
  const said = { refused: 0, connections: 0 };
  let current;

  async function open(url) {
    const connection = await connect(url, { clientProperties: { connection_name: name } });
    const opened = { url, connection, closed: false };
    connection.on('error', () => undefined);
    connection.once('close', () => (opened.closed = true));
    opened.channel = await begin(connection);
    said.connections += 1;
    console.log(`${name}: connected as ${new URL(url).username}`);
    return opened;
  }

  return {
    said,
    /** The channel, or undefined where there is none at the moment. */
    async channel() {
      const { AMQP_URL: url } = parse(readFileSync(file));
      if (current?.url === url && !current.closed) return current.channel;
      const before = current;
      try {
        current = await open(url);
      } catch (error) {
        if (/ACCESS-REFUSED|ACCESS_REFUSED/.test(error.message)) said.refused += 1;
        console.error(`${name}: ${error.message}`);
        return undefined;
      }
      // Only now: the old connection is good for as long as the new one is not there.
      if (before?.closed === false) await leave(before.connection);
      return current.channel;
    },
    close: () => current && leave(current.connection),
  };
}
