/**
 * Delivers in a process of its own, which tests limit or kill: node connector-process.js ORDER, a JSON object.
 * Prints the code of the error, or `delivered`; with `forever` it alternates between two values until it is killed.
 */
import { randomUUID } from 'node:crypto';
import { connectorKinds } from '../../connectors/index.js';
import { AdapterError } from '../../domain/errors.js';
import { SecretValue } from '../../domain/secret-value.js';

interface Order {
  readonly kind: string;
  readonly options: unknown;
  readonly address: Record<string, unknown>;
  /** The value: one letter, this many times. */
  readonly size: number;
  /** Becomes this user once everything is loaded. */
  readonly user?: number;
  readonly forever?: boolean;
  /** Goes on after a failure too, where it goes on at all. */
  readonly again?: boolean;
}

const order = JSON.parse(process.argv[2] ?? '') as Order;
const kind = connectorKinds.find((known) => known.kind === order.kind);
if (kind === undefined || !('open' in kind)) throw new Error('no such kind');
const connector = kind.open(kind.options.parse(order.options) as never);
const destination = { destinationId: randomUUID(), identity: '', address: order.address };
// A write beyond the limit of size is an error then, instead of the end.
process.on('SIGXFSZ', () => undefined);

async function deliver(letter: string): Promise<string> {
  const version = { versionId: randomUUID(), value: new SecretValue(letter.repeat(order.size)) };
  try {
    const signal = AbortSignal.timeout(60_000);
    await connector.deliver({ destination, version, known: [version], signal });
    return 'delivered';
  } catch (error) {
    return error instanceof AdapterError ? error.code : 'no adapter error';
  }
}

if (order.user !== undefined && process.getuid?.() === 0) {
  process.setgroups?.([]);
  process.setgid?.(order.user);
  process.setuid?.(order.user);
}
process.stdout.write('ready\n');
let ended = await deliver('b');
while (order.forever === true && (order.again === true || ended === 'delivered')) {
  await deliver('a');
  ended = await deliver('b');
}
process.stdout.write(`${ended}\n`);
