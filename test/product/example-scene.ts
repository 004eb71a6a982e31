/** The installation that the examples of the commands are about: secrets, people, and a program that is told. */
import { randomBytes } from 'node:crypto';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { startSample } from '../issuers/own-server.js';
import { openInstallation, quick, type Installation, type Row } from '../faults/installation.js';

export interface OldCredential {
  readonly secret: string;
  readonly credentialId: string;
}

export interface Scene {
  readonly installation: Installation;
  /** What is older than rotor, and not what an example adopts. */
  readonly older: readonly OldCredential[];
  /** Where a server speaks the protocol of the issuer `http`; its token is in `issuer.token`. */
  readonly ownServer: string;
  close(): Promise<void>;
}

/** Nothing is declared yet: that is what the first example does. */
export async function openScene(): Promise<Scene> {
  const installation = await openInstallation();
  const receiver = createServer((request, response) => {
    request.resume().on('end', () => response.end());
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  addRoute(installation.folder, (receiver.address() as AddressInfo).port);
  installation.start('api');
  installation.start('worker');
  await installation.ready();
  const older = await writeDeclarations(installation);
  const sample = await startSample();
  copyFileSync(sample.tokenFile, join(installation.folder, 'issuer.token'));
  return {
    installation,
    older,
    ownServer: sample.url,
    async close() {
      await installation.close();
      await sample.stop();
      receiver.closeAllConnections();
      receiver.close();
    },
  };
}

function addRoute(folder: string, port: number): void {
  const file = join(folder, 'rotor.yaml');
  const keyFile = join(folder, 'on-call-key');
  writeFileSync(keyFile, randomBytes(32).toString('hex'), { mode: 0o600 });
  const to = { kind: 'webhook', url: `http://127.0.0.1:${port}/`, keyFile };
  const configuration = parse(readFileSync(file, 'utf8')) as Row;
  const notifications = { routes: [{ name: 'on-call', to, severity: 'critical' }] };
  writeFileSync(file, stringify({ ...configuration, notifications }), { mode: 0o600 });
}

interface OldSecret {
  readonly specification: Row;
  readonly credentials: readonly OldCredential[];
}

/** So many credentials that are older than rotor; the value of the last is in `value.txt`. */
async function oldSecret(
  { authority, folder }: Installation,
  secret: string,
  count: number,
): Promise<OldSecret> {
  const named = { secretKey: secret, name: secret };
  const { clientId } = await authority<{ clientId: string }>('/clients', named);
  const expiresAt = new Date(Date.now() + 86_400_000).toISOString();
  const credentials: OldCredential[] = [];
  for (let made = 0; made < count; made += 1) {
    const path = `/clients/${clientId}/credentials`;
    const wanted = { role: 'Viewer', expiresAt };
    const { credentialId, value } = await authority<Record<string, string>>(path, wanted);
    writeFileSync(join(folder, 'value.txt'), `${value ?? ''}\n`);
    credentials.push({ secret, credentialId: credentialId ?? '' });
  }
  return { specification: { role: 'Viewer', validity: '1d', clientId }, credentials };
}

async function writeDeclarations(installation: Installation): Promise<OldCredential[]> {
  const { folder } = installation;
  const policy = { ...quick, leastEvidence: 'read-back' };
  const schedule = { at: 'monthly on 1 10:00', zone: 'Europe/Berlin' };
  const inFile = (dependent: string, secret: string): Row => {
    const file = join(folder, `${dependent}.env`);
    writeFileSync(file, '');
    const variable = secret.toUpperCase().replaceAll('-', '_');
    return { dependent, connector: 'dotenv', destination: { file, variable } };
  };
  const destination = { place: 'portal', assignee: 'Ada', instructions: 'paste', dueWithin: '2d' };
  const byHand = { connector: 'human-task', destination, leastEvidence: 'human' };
  const secret = (name: string, specification: Row, dependencies: readonly Row[]): Row => ({
    ...{ name, issuer: 'main', owner: 'team', policy: 'quick', specification, dependencies },
  });
  const old = await oldSecret(installation, 'old-api', 2);
  const checkout = await oldSecret(installation, 'checkout-api', 1);
  const trial = await oldSecret(installation, 'trial-api', 1);
  const billing = await oldSecret(installation, 'billing-api', 1);
  const own = { role: 'Viewer', validity: '1d' };
  const document = {
    organization: 'acme',
    policies: [
      { ...policy, schedule },
      { ...policy, name: 'four-eyes', approvals: {} },
    ],
    dependents: ['billing', 'checkout', 'reports', 'partner', 'old-shop'].map((name) => ({
      ...{ name, owner: 'team' },
    })),
    secrets: [
      secret('old-api', old.specification, [inFile('old-shop', 'old-api')]),
      secret('checkout-api', checkout.specification, [inFile('checkout', 'checkout-api')]),
      {
        ...secret('trial-api', trial.specification, [
          { ...inFile('old-shop', 'trial-api'), seenAs: { userAgent: 'old-shop/*' } },
        ]),
        labels: { project: 'trial' },
      },
      secret('partner-api', own, [{ dependent: 'partner', ...byHand }]),
      { ...secret('payments-api', own, [inFile('reports', 'payments-api')]), policy: 'four-eyes' },
      secret('billing-api', billing.specification, [
        inFile('billing', 'billing-api'),
        inFile('reports', 'billing-api'),
      ]),
    ],
  };
  writeFileSync(join(folder, 'declarations.yaml'), stringify(document));
  return [...old.credentials, ...checkout.credentials, ...trial.credentials];
}
