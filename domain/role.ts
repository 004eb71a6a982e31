/** Who may do what through the API: roles, and the rights that each of them has. */
export const roles = ['viewer', 'operator', 'approver', 'security', 'admin'] as const;
export type Role = (typeof roles)[number];

/**
 * `operate`: declare, adopt, rotate, decide. `contain`: what breaks at once or cannot be undone (revoke, compromise, decommission,
 * incidents, projects, retiring a dependent), and declarations that ask for less proof. `approve`: plans of others.
 * `disclose`: links that show a value to a person. `administer`: tokens, audit, recovery.
 */
export type Right = 'read' | 'approve' | 'operate' | 'contain' | 'disclose' | 'administer';

const rights: Readonly<Record<Role, readonly Right[]>> = {
  viewer: ['read'],
  approver: ['read', 'approve'],
  operator: ['read', 'operate'],
  security: ['read', 'approve', 'operate', 'contain', 'disclose'],
  admin: ['read', 'approve', 'operate', 'contain', 'disclose', 'administer'],
};

export function hasRight(role: Role, right: Right): boolean {
  return rights[role].includes(right);
}
