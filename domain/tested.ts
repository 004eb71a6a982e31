/** What a kind was tried against: the real system, its version and the day; shown in docs/integrations.md. */
export interface Tested {
  readonly system: string;
  readonly version: string;
  /** ISO 8601, a day. */
  readonly on: string;
}
