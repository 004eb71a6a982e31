/** Who may do what through the API: roles, and the rights that each of them has. */
export const roles = ['viewer', 'operator', 'approver', 'security', 'admin'] as const;
export type Role = (typeof roles)[number];

/** `disclose`: links that show a value to a person; `contain`: revoke, compromise, decommission; `operate`: declare, rotate, decide, adopt; `administer`: tokens, audit, recovery; `approve`: plans of others. */
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
