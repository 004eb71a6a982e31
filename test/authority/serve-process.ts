/** An authority in a process of its own, to be killed. */
import { openPool } from '../../infra/postgres.js';
import { serve } from './served.js';

const url = process.env['DATABASE_URL'] ?? '';
const served = await serve({ url, pool: openPool(url) });
process.stdout.write(`${served.url}\n`);
