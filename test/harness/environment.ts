/** What the global setup hands to the tests. */
export function handed(name: string): string {
  const value = process.env[name];
  if (value === undefined)
    throw new Error(`${name} is not set: tests are run by npm test, which starts the servers`);
  return value;
}
