/** The authority's administration, and its token endpoint. */
import { AdapterError } from '../../domain/errors.js';
import { openJsonApi, type JsonReply } from '../../reach/json-api.js';
import { readSecretFile } from '../../reach/secret-file.js';

export interface AuthorityClient {
  call(method: 'GET' | 'POST', path: string, body?: unknown): Promise<JsonReply>;
  /** One attempt to get a token: what was answered, undefined where it was refused. */
  login(clientId: string, secret: string, probe: string): Promise<JsonReply | undefined>;
  /** Read each time: whoever changes the file changes what is used next. */
  adminToken(): string;
}

export function openAuthorityClient(url: string, adminTokenFile: string): AuthorityClient {
  const adminToken = (): string => readSecretFile(adminTokenFile).reveal();
  const api = openJsonApi({ url, who: 'the authority', timeoutMs: 5_000 });
  return {
    adminToken,
    call: async (method, path, body) => {
      const reply = await api.call({
        method,
        path: `/authority/v1${path}`,
        headers: { authorization: `Bearer ${adminToken()}` },
        ...(method === 'GET' ? {} : { body: body ?? {} }),
      });
      if (reply.status === 401 || reply.status === 403)
        throw new AdapterError('not-permitted', "the authority refuses rotor's admin token");
      return reply;
    },
    login: async (clientId, secret, probe) => {
      const form = new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: clientId,
        client_secret: secret,
      });
      const path = '/oauth/token';
      const reply = await api.call({
        method: 'POST',
        path,
        headers: { 'rotor-probe': probe },
        body: form,
      });
      if (reply.status === 200) return reply;
      if (reply.status === 400 || reply.status === 401) return undefined;
      throw new AdapterError('bad-reply', 'the authority answered in an unknown way');
    },
  };
}
