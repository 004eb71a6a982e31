/** A connection to Temporal that answers, or an error that says why there is none. */
import { Connection } from '@temporalio/client';
import { clientOptions, type TemporalAccess } from './temporal-access.js';
import { connectionFault, faultAfter } from './temporal-fault.js';

/** Only a certificate that is refused is sure to stay so; all else may pass, as when a server is about to start behind a proxy. */
export async function demandBelievable(access: TemporalAccess): Promise<void> {
  const fault = await connectionFault(access);
  if (fault?.code === 'temporal-certificate-refused') throw fault;
}

/** Waits for a server that is about to start. */
export async function connectTemporal(
  access: TemporalAccess,
  connectTimeout = 10_000,
): Promise<Connection> {
  await demandBelievable(access);
  const connection = Connection.lazy({ ...clientOptions(access), connectTimeout });
  try {
    await connection.ensureConnected();
    return connection;
  } catch (error) {
    await connection.close();
    throw (await faultAfter(error, access)) ?? error;
  }
}
