/** The log: JSON lines on standard output; of errors the code or class, never a text that may hold a value. */
import { pino, type Logger } from 'pino';

export function openLog(name: string): Logger {
  return pino({
    name,
    level: process.env['ROTOR_LOG_LEVEL'] ?? 'info',
    base: { name, pid: process.pid },
  });
}
