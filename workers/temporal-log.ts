/** What Temporal's SDK says of itself goes where our log goes. Apart from it: the API does not load the SDK of workers. */
import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import type { Logger } from 'pino';

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
