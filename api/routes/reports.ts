/** Routes that look back and over all: the life of a secret, a period, the audit of active secrets. */
import { noSuchSecret } from '../../domain/registry.js';
import { readPeriod, type Period } from '../../infra/registry/period.js';
import { auditSecrets } from '../../infra/registry/secret-audit.js';
import { findSecret, secretLife } from '../../infra/registry/secret-life.js';
import { secretVersions } from '../../infra/registry/views.js';
import { checkQuery, PeriodQuery, refuseReversed, SecretsQuery } from '../../schemas/questions.js';
import { askedOrganization } from '../access.js';
import { nameOf } from '../imagine.js';
import type { ApiParts } from '../parts.js';
import { periodReportOf } from '../period-report.js';
import { route, type Call, type Route } from '../route.js';
import { secretReportOf } from '../secret-report.js';

export function reportRoutes(parts: ApiParts): Route[] {
  return [
    route({
      method: 'GET',
      url: '/v1/secrets/:organization/:secret/report',
      right: 'read',
      handle: (call) => reportSecret(parts, call),
    }),
    route({
      method: 'GET',
      url: '/v1/report',
      right: 'read',
      handle: (call) => reportPeriod(parts, call),
    }),
    route({
      method: 'GET',
      url: '/v1/audit/secrets',
      right: 'read',
      handle: async ({ query, by }) => {
        const { after, organization: named } = checkQuery(SecretsQuery, query);
        const organization = await askedOrganization(parts.pool, by, named);
        return auditSecrets(parts.pool, { after, organization });
      },
    }),
  ];
}

async function reportSecret({ pool }: ApiParts, { params }: Call<unknown>): Promise<unknown> {
  const name = nameOf(params);
  const secret = await findSecret(pool, name);
  if (secret === undefined) throw noSuchSecret(name);
  const [life, versions] = await Promise.all([
    secretLife(pool, secret),
    secretVersions(pool, String(secret['id'])),
  ]);
  return secretReportOf(life, versions);
}

async function reportPeriod({ pool }: ApiParts, { query, by }: Call<unknown>): Promise<unknown> {
  const { from, to = new Date(), organization: named } = checkQuery(PeriodQuery, query);
  refuseReversed({ from, to });
  const organization = await askedOrganization(pool, by, named);
  const period: Period = { from, to, organization };
  return periodReportOf(period, await readPeriod(pool, period));
}
