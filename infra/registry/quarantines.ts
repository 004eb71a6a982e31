/** Quarantine by an incident: its system is given no new value, until that incident is released, or somebody releases it whoever withheld it. */
import { RotorError } from '../../domain/errors.js';
import { inTransaction, type Queryable } from '../postgres.js';
import type { AuditTrail } from './audit.js';
import type { TrailParts } from './installation-trail.js';
import {
  releaseIn,
  withholdIn,
  type DependentReleased,
  type WithholdingCall,
} from './withholdings.js';

export interface Quarantine extends Omit<WithholdingCall, 'secret'> {
  readonly campaignId: string;
}

/** With the incident itself: from its first moment on, and once for each. */
export async function quarantine(
  db: Queryable,
  audit: AuditTrail,
  { campaignId, ...call }: Quarantine,
): Promise<void> {
  const of = { ...call, secret: undefined };
  await withholdIn(db, audit, { ...of, campaignId }).catch(fineIfRetired);
}

/** It is given nothing anyway, and what it held is contained all the same; whether it ever was is asked next. */
function fineIfRetired(error: unknown): void {
  if (!(error instanceof RotorError) || error.code !== 'no-such-dependent') throw error;
}

export interface QuarantineEnd {
  readonly campaignId: string;
  readonly by: string;
  readonly reason: string;
}

export interface QuarantineEnded extends DependentReleased {
  /** `organization/name`. */
  readonly dependent: string;
}

/** Only what this incident withholds: another one, or a person, may have reasons of their own. */
export async function endQuarantine(
  { pool, audit }: TrailParts,
  call: QuarantineEnd,
): Promise<QuarantineEnded> {
  return inTransaction(pool, async (db) => {
    const { rows } = await db.query<{ organization: string; dependent: string }>(
      `select o.name as organization, t.name as dependent from rotor.withholdings w
       join rotor.dependents t on t.id = w.dependent_id join rotor.organizations o on o.id = t.organization_id
       where w.campaign_id = $1 limit 1`,
      [call.campaignId],
    );
    const [one] = rows;
    if (one === undefined) throw nobodyQuarantined();
    const released = await releaseIn(db, audit, { ...call, ...one, secret: undefined });
    return { ...released, dependent: `${one.organization}/${one.dependent}` };
  });
}

function nobodyQuarantined(): RotorError {
  return new RotorError('nobody-quarantined', 'this incident quarantined nobody', {
    kind: 'conflict',
    hint: 'what somebody else withheld: rotor dependents release ORGANIZATION/NAME --reason TEXT',
  });
}
