/** A worker process from its start to its end, whatever its parts are made of. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../infra/package-root.js';
import { usualTemporal } from '../infra/temporal-access.js';
import { journalPurpose } from '../infra/direct/journal.js';
import { endWithParent, onSignals, runMain } from './child.js';
import { keepInventory } from './direct/keep-inventory.js';
import { startEngine } from './engine.js';
import { startNotifier } from './notifier.js';
import { killPoint } from './kill-point.js';
import { openLog } from './log.js';
import type { Parts } from './parts.js';
import { startLoop } from './loop.js';
import { openPulse } from './pulse.js';
import { readSettings, type Settings } from './settings.js';
import { installRuntime } from './temporal-log.js';

const pulseEveryMs = 5_000;

type Warn = (message: string, about: Readonly<Record<string, unknown>>) => void;

export function runWorker(openParts: (settings: Settings) => Promise<Parts>): Promise<void> {
  return runMain(async () => {
    const log = openLog('worker');
    installRuntime(log);
    const settings = readSettings(process.env);
    const parts = await openParts(settings);
    const identity = `${process.pid}@${hostname()}`;
    const reached = killPoint(process.env);
    const warn: Warn = (message, about) => log.warn(about, message);
    const { stateFolder } = settings;
    const beat = openPulse({ ...parts, stateFolder });
    // Before anything is carried out.
    await beat();
    const pulse = startLoop(pulseEveryMs, () => beat().catch(() => undefined));
    // Before the engine: that Temporal is away is told, too.
    const notifier = startNotifier({ ...parts, identity, reached, warn });
    // Before the engine, too: containing without rotor is for the day when Temporal is away.
    const inventory = keepInventory({ ...parts, stateFolder, warn });
    const engine = await startEngine({
      access: settings.temporal ?? usualTemporal,
      namespace: settings.namespace,
      taskQueue: settings.taskQueue,
      pool: parts.pool,
      audit: parts.audit,
      identity,
      workflowBundle: join(packageRoot(), 'dist', 'workflow-bundle.js'),
      issuers: Object.keys(settings.configuration.issuers),
      journals: { stateFolder, key: parts.keys.derive(journalPurpose) },
      ports: {
        ...parts,
        reached,
        warn,
      },
    });
    log.info({ taskQueue: settings.taskQueue }, 'worker is ready');
    const stop = (): void => void engine.stop();
    onSignals(stop);
    endWithParent(stop);
    await engine.ended;
    await Promise.all([notifier.stop(), inventory.stop(), pulse.stop()]);
    await parts.pool.end();
  });
}
