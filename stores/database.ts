/** What a store may have of rotor's own: its database, and the keys of the key file. */
export interface Database {
  query<R extends object>(
    text: string,
    values: unknown[],
  ): Promise<{ rows: R[]; rowCount: number | null }>;
}

export interface SealedKey {
  readonly kid: string;
  readonly key: Uint8Array;
}
