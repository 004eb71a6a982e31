/** What an issuer is asked about use: of which principal, and from when on. */
import type { Facts } from '../facts.js';
import type { IssuedSecret } from '../issuer.js';
import { readFrom } from '../quiet.js';
import { issuedSecret } from './create.js';

export interface UseQuestion {
  /** The instance's name. */
  readonly issuer: string;
  readonly secret: IssuedSecret;
  readonly since: Date;
}

export function useQuestion(facts: Facts): UseQuestion {
  return {
    issuer: facts.secret.issuer,
    secret: issuedSecret(facts),
    since: readFrom(facts.record?.completeThrough, facts.now),
  };
}
