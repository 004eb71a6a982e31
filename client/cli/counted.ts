/** Numbers of things, in words. */

/** `1 secret`, `3 secrets`, `2 copies`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
