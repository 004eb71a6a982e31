/** A process that starts servers on the given state folder, prints their addresses as JSON, and lives until it is told to stop. */
import { startServers } from '../../infra/embedded/servers.js';

const [stateFolder = '', durable = 'true'] = process.argv.slice(2);
const began = Date.now();
const servers = await startServers({ stateFolder, durable: durable === 'true' });
console.log(JSON.stringify({ ...servers, milliseconds: Date.now() - began }));
process.on('SIGTERM', () => void servers.stop());
