/** An authority that listens, on a database of a test's own. */
import fastify from 'fastify';
import type pg from 'pg';
import { openRecorderPool } from '../../authority/recorder.js';
import { authorityRoutes } from '../../authority/routes.js';

export const adminToken = 'the-owner-of-this-authority';
export const hashKey = Buffer.alloc(32, 5);

export async function serve(database: { readonly url: string; readonly pool: pg.Pool }) {
  const recorderPool = openRecorderPool(database.url);
  const server = fastify();
  await server.register(
    authorityRoutes({ pool: database.pool, recorderPool, hashKey, adminToken }),
  );
  const url = await server.listen({ port: 0, host: '127.0.0.1' });
  return {
    url,
    close: async () => {
      await server.close();
      await recorderPool.end();
    },
  };
}
