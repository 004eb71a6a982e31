/** What the three do with the key, and how it is counted: any call of AWS would do. */
import { STS } from '@aws-sdk/client-sts';

/** `value` is the text that rotor delivers. */
export async function callAws(value) {
  const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey } = JSON.parse(value);
  const sts = new STS({ credentials: { accessKeyId, secretAccessKey } });
  await sts.getCallerIdentity({}).finally(() => sts.destroy());
  return accessKeyId;
}

/** Calls again and again with what `key` gives, until Ctrl-C. */
export async function callOften(name, key) {
  const said = { uses: 0, refused: 0, keys: new Set() };
  let running = true;
  process.once('SIGINT', () => (running = false));
  while (running) {
    try {
      said.keys.add(await callAws(await key()));
      said.uses += 1;
    } catch (error) {
      if (error.name === 'InvalidClientTokenId') said.refused += 1;
      console.error(`${name}: ${error.message}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  console.log(`${name}: ${said.uses} uses, ${said.refused} refused, ${said.keys.size} keys`);
}
