/** What is done on somebody's word alone: who may say it, and the word that they type. */
import { RotorError } from '../domain/errors.js';
import type { MayBreak } from '../domain/facts.js';
import { hasRight } from '../domain/role.js';
import type { Principal } from '../infra/registry/access-tokens.js';
import type { AcceptedOutage } from '../schemas/requests.js';

/** What breaks somebody, or may. */
export function demandRight(by: Principal): void {
  if (hasRight(by.role, 'contain')) return;
  const message = `${by.name} is ${by.role} and may not revoke what is used, nor accept an outage`;
  throw new RotorError('not-allowed', message, { kind: 'denied' });
}

/** Revoking asks for the word, whichever way it is asked for. */
export function demandWord(confirm: 'revoke' | undefined): void {
  if (confirm === 'revoke') return;
  throw new RotorError('confirmation-needed', 'this revokes a credential, permanently', {
    kind: 'invalid',
    hint: 'type revoke when asked, or say --confirm revoke',
  });
}

/** What was not said of a source is not there: it would be compared. */
export function mayBreak({ dependents, sources }: AcceptedOutage): MayBreak {
  const said = sources.map((source) =>
    Object.fromEntries(Object.entries(source).filter(([, value]) => value !== undefined)),
  );
  return { dependents, sources: said };
}
