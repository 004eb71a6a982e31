/** A row as the API answers it, shown by the names of its columns. */
export type Row = Readonly<Record<string, unknown>>;
