/** All activities, by the names that workflows call them; each failure leaves as a code. */
import type { Answer } from '../domain/run.js';
import { approve } from './approve.js';
import { advanceCampaign } from './campaign.js';
import { claimSlot } from './claim-slot.js';
import { clean, cleanLeftovers } from './clean.js';
import { collectUse } from './collect-use.js';
import { create } from './create.js';
import { cutover, prepare } from './cutover.js';
import { disable } from './disable.js';
import { discover } from './discover.js';
import { bounded } from './failures.js';
import { knownStore } from './known-store.js';
import { endMonitoring, monitor } from './monitor.js';
import { plan } from './plan.js';
import type { OfRun, Ports } from './ports.js';
import { beginRecovery, endRecovery } from './recover.js';
import { recoverIssuer } from './recover-issuer.js';
import { revoke } from './revoke.js';
import { sweepDestinations } from './sweep-destinations.js';
import { sweepIssuer } from './sweep-issuer.js';
import { beginSweep, sweepRegistry } from './sweep.js';
import { told } from './told.js';
import { update } from './update.js';
import { verify } from './verify.js';
import { window } from './window.js';

export function createActivities(given: Ports) {
  const ports: Ports = { ...given, store: knownStore(given.store) };
  const bind =
    <A, R>(work: (ports: Ports, argument: A) => Promise<R>) =>
    (argument: A) =>
      work(ports, argument);
  const step =
    <A extends OfRun>(work: (ports: Ports, argument: A) => Promise<Answer>) =>
    (argument: A) =>
      told(ports, argument.runId, () => work(ports, argument));
  return {
    plan: bounded(bind(plan)),
    approve: bounded(step(approve)),
    window: bounded(step(window)),
    prepare: bounded(step(prepare)),
    cutover: bounded(step(cutover)),
    create: bounded(step(create)),
    update: bounded(step(update)),
    verify: bounded(step(verify)),
    disable: bounded(step(disable)),
    revoke: bounded(step(revoke)),
    clean: bounded(step(clean)),
    cleanLeftovers: bounded(bind(cleanLeftovers)),
    monitor: bounded(bind(monitor)),
    endMonitoring: bounded(bind(endMonitoring)),
    advanceCampaign: bounded(bind(advanceCampaign)),
    collectUse: bounded(bind(collectUse)),
    beginSweep: bounded(() => beginSweep(ports)),
    sweepRegistry: bounded(bind(sweepRegistry)),
    sweepIssuer: bounded(bind(sweepIssuer)),
    sweepDestinations: bounded(bind(sweepDestinations)),
    discover: bounded(bind(discover)),
    claimSlot: bounded(bind(claimSlot)),
    beginRecovery: bounded(bind(beginRecovery)),
    recoverIssuer: bounded(bind(recoverIssuer)),
    endRecovery: bounded(bind(endRecovery)),
  };
}

export type Activities = ReturnType<typeof createActivities>;
