/** The secrets of AWS Secrets Manager in one region, page by page, by their names and what AWS knows of them. */
import type { SecretListEntry, SecretsManager } from '@aws-sdk/client-secrets-manager';
import { awsClient, type AwsAccess } from '../../reach/aws.js';
import { awsFault, type AskedOfAws } from '../../reach/aws-fault.js';

export interface Asking {
  readonly access: AwsAccess;
  readonly signal: AbortSignal;
}

type Call<T> = (client: SecretsManager, http: { abortSignal: AbortSignal }) => Promise<T>;

export interface AwsSecrets {
  /** Every secret whose name begins so. */
  list(prefix: string): AsyncGenerator<SecretListEntry>;
  /** Its value in use; undefined where it holds bytes, or none. */
  read(name: string): Promise<string | undefined>;
  close(): void;
}

const pageSize = 100;

/** Throws AdapterError, in words of ours. */
export async function openAwsSecrets({ access, signal }: Asking): Promise<AwsSecrets> {
  const library = await import('@aws-sdk/client-secrets-manager');
  const client = new library.SecretsManager(awsClient(access));
  const ask = async <T>(asked: AskedOfAws, call: Call<T>): Promise<T> => {
    try {
      return await call(client, { abortSignal: signal });
    } catch (error) {
      throw awsFault(error, asked);
    }
  };
  return {
    close: () => client.destroy(),
    async *list(prefix) {
      let next: string | undefined;
      do {
        const { SecretList = [], NextToken } = await ask(
          { action: 'secretsmanager:ListSecrets', on: 'the region' },
          (opened, http) =>
            opened.listSecrets(
              { MaxResults: pageSize, ...filterOf(prefix), ...(next && { NextToken: next }) },
              http,
            ),
        );
        // AWS compares without regard to case.
        yield* SecretList.filter(({ Name = '' }) => Name.startsWith(prefix));
        next = NextToken;
      } while (next !== undefined);
    },
    async read(name) {
      const asked = { action: 'secretsmanager:GetSecretValue', on: `secret ${name}` };
      const { SecretString } = await ask(asked, (opened, http) =>
        opened.getSecretValue({ SecretId: name }, http),
      );
      return SecretString;
    },
  };
}

function filterOf(prefix: string) {
  return prefix === '' ? {} : { Filters: [{ Key: 'name' as const, Values: [prefix] }] };
}
