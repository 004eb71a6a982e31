/** What rotor needs of a Temporal namespace: histories kept for 30 days, and its search attributes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isGrpcServiceError, type Connection } from '@temporalio/client';
import { msToTs, optionalTsToMs, tsToMs } from '@temporalio/common/lib/time.js';
import { RotorError } from '../domain/errors.js';
import { searchAttributes } from '../domain/run.js';
import { hasCode } from './error-code.js';

const attributes = Object.values(searchAttributes);
/** A server reads new namespaces every few seconds; until then it says that there is none. */
const registrationMilliseconds = 30_000;

const retention = msToTs('30 days');

const byHand =
  'temporal operator namespace create or update, and search-attribute create; on Temporal Cloud the web console, or ' +
  'tcld namespace retention set and tcld namespace search-attributes add';

/** Codes of gRPC's, and Temporal's enumeration of attribute types. */
const invalidArgument = 3;
const notFound = 5;
const alreadyExists = 6;
const keyword = 2;

/**
 * Creates the namespace where it is missing, raises its retention to 30 days where it is shorter, and registers the search
 * attributes that are missing. Idempotent; safe when two run at once; works on any cluster where the caller may do so. Where
 * nothing is missing, it only reads, as anybody may who runs workflows there: Temporal Cloud permits no more.
 * @throws with what to do by hand where the caller may not
 */
export async function prepareNamespace(connection: Connection, namespace: string): Promise<void> {
  try {
    await ensureRetention(connection, namespace);
    await ensureSearchAttributes(connection, namespace);
  } catch (cause) {
    if (!isGrpcServiceError(cause)) throw cause;
    throw new RotorError(
      'namespace-not-prepared',
      `the Temporal namespace ${namespace} could not be prepared (${cause.details}); by hand it needs a retention of ` +
        `30 days or more and the search attributes ${attributes.join(', ')}, each of type Keyword`,
      { kind: 'denied', hint: byHand, cause },
    );
  }
}

async function ensureRetention(connection: Connection, namespace: string): Promise<void> {
  const { workflowService } = connection;
  try {
    const { config } = await workflowService.describeNamespace({ namespace });
    if ((optionalTsToMs(config?.workflowExecutionRetentionTtl) ?? 0) >= tsToMs(retention)) return;
    await workflowService.updateNamespace({
      namespace,
      config: { workflowExecutionRetentionTtl: retention },
    });
  } catch (error) {
    if (!hasCode(error, notFound)) throw error;
    await register(connection, namespace);
  }
}

async function register(
  { workflowService, operatorService }: Connection,
  namespace: string,
): Promise<void> {
  await unlessExists(
    workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: retention }),
  );
  const deadline = Date.now() + registrationMilliseconds;
  for (;;) {
    try {
      await operatorService.listSearchAttributes({ namespace });
      return;
    } catch (error) {
      if (!hasCode(error, notFound) || Date.now() > deadline) throw error;
      await sleep(250);
    }
  }
}

async function ensureSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  if (await canSearch(connection, namespace)) return;
  const { operatorService } = connection;
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
  const missing = attributes.filter((name) => customAttributes?.[name] === undefined);
  if (missing.length === 0) return;
  await unlessExists(
    operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map((name) => [name, keyword])),
    }),
  );
}

/** A search tells it to everybody; Temporal Cloud has no operator service that would. */
async function canSearch({ workflowService }: Connection, namespace: string): Promise<boolean> {
  const query = attributes.map((name) => `${name} = 'none'`).join(' and ');
  try {
    await workflowService.countWorkflowExecutions({ namespace, query });
    return true;
  } catch (error) {
    if (hasCode(error, invalidArgument)) return false;
    throw error;
  }
}

async function unlessExists(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!hasCode(error, alreadyExists)) throw error;
  }
}
