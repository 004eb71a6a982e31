/** Labels of a secret, such as project and risk: what rules of approvals, routes and projects choose by. */
export type Labels = Readonly<Record<string, string>>;

/** All that is wanted is there; where nothing is wanted, everything is. */
export function carries(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}
