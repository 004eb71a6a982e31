/** A line of an audit device that tells of a login: values are hashes there, metadata is not. */
import { z } from 'zod';

export interface AuditedLogin {
  readonly at: Date;
  readonly outcome: 'accepted' | 'refused';
  /** The audit device's hash of the secret-id. */
  readonly audited: string;
  readonly address: string | undefined;
  /** Of accepted ones. */
  readonly role: string | undefined;
  readonly tag: string | undefined;
}

const Line = z.object({
  time: z.string(),
  type: z.literal('response'),
  auth: z.object({ metadata: z.record(z.string(), z.string()).optional() }).optional(),
  error: z.string().optional(),
  request: z.object({
    path: z.string(),
    remote_address: z.string().optional(),
    data: z.object({ secret_id: z.string() }),
  }),
  response: z.object({ auth: z.object({}).optional() }).optional(),
});

/** The time that every line begins with; undefined where it cannot be read. */
export function timeOf(text: string): Date | undefined {
  const found = /^\{"time":"([^"]+)"/.exec(text)?.[1];
  const time = found === undefined ? undefined : new Date(found);
  return time === undefined || Number.isNaN(time.getTime()) ? undefined : time;
}

export interface LoginPlace {
  readonly path: string;
  readonly tagName: string;
}

export function parseLogin(text: string, { path, tagName }: LoginPlace): AuditedLogin | undefined {
  // Most lines tell of something else: read no further than needed.
  if (!text.includes(path)) return undefined;
  const line = Line.safeParse(jsonOf(text));
  if (!line.success || line.data.request.path !== path) return undefined;
  const { time, auth, request, response } = line.data;
  const metadata = auth?.metadata;
  return {
    at: new Date(time),
    outcome: response?.auth === undefined ? 'refused' : 'accepted',
    audited: request.data.secret_id,
    address: request.remote_address,
    role: metadata?.['role_name'],
    tag: metadata?.[tagName],
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
