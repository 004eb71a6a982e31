/** The value of an access key: id and secret in one text, as AWS's own `credential_process` gives them. */
import { z } from 'zod';
import { SecretValue } from '../../domain/secret-value.js';

const Text = z.object({
  AccessKeyId: z.string().regex(/^\w{16,128}$/),
  SecretAccessKey: z.string().regex(/^[\x21-\x7e]{1,200}$/),
});
export type AccessKey = z.output<typeof Text>;

export function valueOf({ AccessKeyId, SecretAccessKey }: AccessKey): SecretValue {
  return new SecretValue(JSON.stringify({ Version: 1, AccessKeyId, SecretAccessKey }));
}

/** Undefined where it is no such text. */
export function keyOf(value: SecretValue): AccessKey | undefined {
  try {
    return Text.safeParse(JSON.parse(value.reveal())).data;
  } catch {
    return undefined;
  }
}
