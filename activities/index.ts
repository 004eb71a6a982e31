/** All activities, by the names that workflows call them; each failure leaves as a code. */
import { clean } from './clean.js';
import { collectUse } from './collect-use.js';
import { create } from './create.js';
import { cutover, prepare } from './cutover.js';
import { disable } from './disable.js';
import { bounded } from './failures.js';
import { endMonitoring, monitor } from './monitor.js';
import { plan } from './plan.js';
import type { Ports } from './ports.js';
import { revoke } from './revoke.js';
import { update } from './update.js';
import { verify } from './verify.js';

export function createActivities(ports: Ports) {
  const bind =
    <A, R>(work: (ports: Ports, argument: A) => Promise<R>) =>
    (argument: A) =>
      work(ports, argument);
  return {
    plan: bounded(bind(plan)),
    prepare: bounded(bind(prepare)),
    cutover: bounded(bind(cutover)),
    create: bounded(bind(create)),
    update: bounded(bind(update)),
    verify: bounded(bind(verify)),
    disable: bounded(bind(disable)),
    revoke: bounded(bind(revoke)),
    clean: bounded(bind(clean)),
    monitor: bounded(bind(monitor)),
    endMonitoring: bounded(bind(endMonitoring)),
    collectUse: bounded(bind(collectUse)),
  };
}

export type Activities = ReturnType<typeof createActivities>;
