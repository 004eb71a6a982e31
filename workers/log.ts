/** The log: JSON lines on standard output; of errors the code or class, never a text that may hold a value. */
import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import { pino, type Logger } from 'pino';

export function openLog(name: string): Logger {
  return pino({
    name,
    level: process.env['ROTOR_LOG_LEVEL'] ?? 'info',
    base: { name, pid: process.pid },
  });
}

/** Once per process, before anything of Temporal's; its own words go where ours go. */
export function installRuntime(log: Logger): void {
  Runtime.install({
    logger: new DefaultLogger('WARN', ({ level, message, meta }) => {
      const about = {
        activity: meta?.['activityType'],
        workflow: meta?.['workflowId'],
        code: codeIn(meta?.['error']),
      };
      if (level === 'ERROR') log.error(about, message);
      else log.warn(about, message);
    }),
    shutdownSignals: [],
    telemetryOptions: {
      logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }) },
    },
  });
}

function codeIn(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  if ('type' in error && typeof error.type === 'string') return error.type;
  return error instanceof Error ? error.name : undefined;
}
