/** Lists by a key, made once for each list: a secret may have thousands of dependents. */
export function indexedBy<T>(
  keyOf: (item: T) => string,
): (list: readonly T[]) => ReadonlyMap<string, T> {
  const made = new WeakMap<readonly T[], ReadonlyMap<string, T>>();
  return (list) => {
    const known = made.get(list);
    if (known !== undefined) return known;
    const index = new Map(list.map((item) => [keyOf(item), item]));
    made.set(list, index);
    return index;
  };
}
