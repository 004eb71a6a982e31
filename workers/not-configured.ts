/** What rotor.yaml was expected to name, and does not. */
import { RotorError } from '../domain/errors.js';

export function notConfigured(what: string, name: string): RotorError {
  return new RotorError(
    `${what}-not-configured`,
    `there is no ${what} ${name} in rotor's configuration`,
    {
      kind: 'invalid',
      hint: 'rotor.yaml lists them; what was added since is known once the API and the workers are started again',
    },
  );
}
