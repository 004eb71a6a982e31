/** Which open projects have the same secrets: two people who complete one should know of each other. */
import type { Queryable } from '../postgres.js';

export interface OpenProject {
  readonly project: string;
  readonly by: string;
  /** So many of the secrets that were asked about. */
  readonly secrets: number;
}

export async function openProjectsOf(
  db: Queryable,
  secretIds: readonly string[],
): Promise<OpenProject[]> {
  const { rows } = await db.query<OpenProject>(
    `select g.id as project, g.started_by as by, count(*)::int as secrets
     from rotor.campaigns g join rotor.campaign_secrets c on c.campaign_id = g.id
     where g.kind = 'project' and g.ended_at is null and c.secret_id = any($1)
     group by g.id, g.started_by, g.started_at order by g.started_at`,
    [secretIds],
  );
  return rows;
}
