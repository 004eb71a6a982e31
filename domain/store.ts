/** The port to rotor's own vault for values. Nothing but rotor reads it. */
import type { SecretValue } from './secret-value.js';

export interface Store {
  readonly kind: string;
  /** Seals the value under the version id. Repeating it with another value keeps the first and throws `refused`. */
  put(versionId: string, value: SecretValue): Promise<void>;
  /** Undefined where there is none, or none any more. */
  get(versionId: string): Promise<SecretValue | undefined>;
  /** Already gone is success. */
  destroy(versionId: string): Promise<void>;
}
