/** A library of others that only some installations need: named with the version that rotor was tested with. */
export interface Library {
  readonly name: string;
  readonly version: string;
}
