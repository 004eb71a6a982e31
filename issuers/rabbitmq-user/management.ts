/** RabbitMQ's management API as rotor's own user may use it; what it says in words stays behind. */
import { z } from 'zod';
import { AdapterError } from '../../domain/errors.js';
import { openJsonApi, type JsonReply } from '../../reach/json-api.js';
import { readSecretFile } from '../../reach/secret-file.js';

export interface ManagementOptions {
  readonly url: string;
  readonly user: string;
  readonly passwordFile: string;
}

export interface ManagementCall {
  readonly method: 'GET' | 'PUT' | 'DELETE';
  /** Each part is escaped here. */
  readonly path: readonly string[];
  readonly query?: string;
  readonly body?: object;
}

export interface Management {
  /** Throws where it is away, or refuses rotor's user; 400 and 404 are the caller's to read. */
  ask(call: ManagementCall): Promise<JsonReply>;
}

export function openManagement({ url, user, passwordFile }: ManagementOptions): Management {
  const api = openJsonApi({ url, who: 'RabbitMQ' });
  const send = ({ method, path, query = '', body }: ManagementCall): Promise<JsonReply> => {
    // Read each time: whoever changes the file changes what is used next.
    const login = `${user}:${readSecretFile(passwordFile).reveal()}`;
    const headers = { authorization: `Basic ${Buffer.from(login).toString('base64')}` };
    const escaped = path.map(encodeURIComponent).join('/');
    const sent = body === undefined ? {} : { body };
    return api.call({ method, path: `/api/${escaped}${query}`, headers, ...sent });
  };
  return {
    ask: async (call) => {
      const reply = await send(call);
      if (![401, 403, 404].includes(reply.status)) return reply;
      const whoAmI = await send({ method: 'GET', path: ['whoami'] });
      if (reply.status === 404) return found(reply, whoAmI, user);
      // The same status tells of a wrong password and of a missing right.
      const isKnown = whoAmI.status === 200;
      throw new AdapterError(
        'not-permitted',
        isKnown
          ? `RabbitMQ lets user ${user} not do this: it needs the tag administrator`
          : `RabbitMQ refuses rotor's own login as ${user}: wrong password, or a user without the tag administrator`,
      );
    },
  };
}

/** Anybody's 404 would count as gone otherwise. */
function found(reply: JsonReply, whoAmI: JsonReply, user: string): JsonReply {
  if (WhoAmI.safeParse(whoAmI.body).data?.name === user) return reply;
  const message = "what answers there is not RabbitMQ's management API: is url right?";
  throw new AdapterError('bad-reply', message);
}

const WhoAmI = z.object({ name: z.string() });

/** The body of an answer that has to be there. */
export function bodyOf<T>(schema: z.ZodType<T>, { status, body }: JsonReply): T {
  const parsed = schema.safeParse(body);
  if (status === 200 && parsed.success) return parsed.data;
  throw new AdapterError('bad-reply', 'the answer of RabbitMQ is not what was expected');
}

/** Of a change. */
export function refuseFailed({ status }: JsonReply, what: string): void {
  if (status < 300) return;
  throw new AdapterError('refused', `RabbitMQ does not ${what} (HTTP ${status})`);
}
