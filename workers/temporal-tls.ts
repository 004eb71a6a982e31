/** Certificates and keys for Temporal: read and tried here, as its clients say of a bad one only that nothing answers. */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ClientConfigTLS, ConfigDataSource } from '@temporalio/envconfig';
import { SecretValue } from '../domain/secret-value.js';
import type { TemporalTls } from '../infra/temporal-access.js';
import type { Tell } from './environment.js';

export function readTls(named: ClientConfigTLS, tell: Tell): TemporalTls {
  const { serverName } = named;
  const ca = readPem(named.serverCACert, { name: 'SERVER_CA_CERT', parse: certificates, tell });
  const client = readClient(named, tell);
  return {
    ...(serverName !== undefined && { serverName }),
    ...(ca !== undefined && { serverCa: ca.text }),
    ...(client !== undefined && { client }),
  };
}

function readClient({ clientCert, clientKey }: ClientConfigTLS, tell: Tell): TemporalTls['client'] {
  if ((clientCert === undefined) !== (clientKey === undefined)) {
    const [given, other] = clientCert === undefined ? ['KEY', 'CERT'] : ['CERT', 'KEY'];
    tell({
      path: `TEMPORAL_TLS_CLIENT_${other}_PATH`,
      message: 'is not set',
      hint: `TEMPORAL_TLS_CLIENT_${given} is, and needs it`,
    });
  }
  const certificate = readPem(clientCert, { name: 'CLIENT_CERT', parse: certificates, tell });
  const key = readPem(clientKey, { name: 'CLIENT_KEY', parse: createPrivateKey, tell });
  if (certificate === undefined || key === undefined) return undefined;
  if (certificate.parsed[0]?.checkPrivateKey(key.parsed) !== true)
    tell({ path: 'TEMPORAL_TLS_CLIENT_KEY', message: 'is not the key of the client certificate' });
  return { certificate: certificate.text, key: new SecretValue(key.text) };
}

interface Reading<Parsed> {
  readonly name: 'SERVER_CA_CERT' | 'CLIENT_CERT' | 'CLIENT_KEY';
  readonly parse: (text: string) => Parsed;
  readonly tell: Tell;
}

interface Read<Parsed> {
  readonly text: string;
  readonly parsed: Parsed;
}

function readPem<Parsed extends KeyObject | X509Certificate[]>(
  source: ConfigDataSource | undefined,
  { name, parse, tell }: Reading<Parsed>,
): Read<Parsed> | undefined {
  if (source === undefined) return undefined;
  const path = `TEMPORAL_TLS_${name}_${'path' in source ? 'PATH' : 'DATA'}`;
  const about = 'path' in source ? `${source.path} ` : '';
  const text = textOf(source);
  if (text === undefined) {
    tell({ path, message: `${about}cannot be read` });
    return undefined;
  }
  try {
    return { text, parsed: parse(text) };
  } catch {
    const wanted = name === 'CLIENT_KEY' ? 'an unencrypted private key' : 'a certificate';
    tell({ path, message: `${about}is not ${wanted} in PEM` });
    return undefined;
  }
}

function textOf(source: ConfigDataSource): string | undefined {
  if ('data' in source) return Buffer.from(source.data).toString();
  try {
    return readFileSync(source.path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Node reads the first one of a text alone; a bundle of authorities holds many. */
function certificates(text: string): X509Certificate[] {
  const found = text.match(/-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g);
  if (found === null) throw new Error('no certificate');
  return found.map((one) => new X509Certificate(one));
}
