/** The authority as a part of an HTTP server: OAuth for everybody, administration for its owner. */
import type { FastifyPluginCallback } from 'fastify';
import type pg from 'pg';
import { addAdministration } from './administration.js';
import { addOAuth } from './oauth.js';
import { openRecorder } from './recorder.js';

export interface AuthorityParts {
  readonly pool: pg.Pool;
  /** Connections of the recorder alone: openRecorderPool makes them. */
  readonly recorderPool: pg.Pool;
  readonly hashKey: Buffer;
  readonly adminToken: string;
}

export function authorityRoutes(parts: AuthorityParts): FastifyPluginCallback {
  return (server, _options, done) => {
    server.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: 16_384 },
      (_request, body, parsed) => {
        parsed(null, Object.fromEntries(new URLSearchParams(String(body))));
      },
    );
    addOAuth(server, { ...parts, recorder: openRecorder(parts.recorderPool) });
    addAdministration(server, parts);
    done();
  };
}
