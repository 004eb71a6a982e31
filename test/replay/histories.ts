/** Golden histories: real ones, recorded on request, that every later workflow has to replay. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { packageRoot } from '../../infra/package-root.js';
import { secretWorkflowId } from '../../domain/run.js';
import type { World } from '../engine/world.js';

const folder = join(packageRoot(), 'test', 'golden', 'histories');

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

export const goldenHistories = (): string[] => readdirSync(folder).sort();

export function readHistory(name: string): Json {
  return JSON.parse(readFileSync(join(folder, name), 'utf8')) as Json;
}

/** Without what tells about the machine it was recorded on: who polled, and where code lay. */
export async function recordHistory(world: World, name: string): Promise<void> {
  const handle = world.client.workflow.getHandle(secretWorkflowId(world.secretId));
  const history = JSON.parse(historyToJSON(await handle.fetchHistory())) as Json;
  mkdirSync(folder, { recursive: true });
  const text = JSON.stringify(mapStrings(history, withoutMachine), undefined, 1);
  writeFileSync(join(folder, `${name}.json`), `${text}\n`);
}

function withoutMachine(text: string, name: string): string {
  if (name === 'identity') return 'test';
  return name === 'stackTrace' ? '' : text;
}

/** The same history with each of its texts changed as asked. */
export function mapStrings(
  json: Json,
  change: (text: string, name: string) => string,
  name: string = '',
): Json {
  if (typeof json === 'string') return change(json, name);
  if (Array.isArray(json)) return json.map((entry) => mapStrings(entry, change, name));
  if (typeof json !== 'object' || json === null) return json;
  const entries = Object.entries(json).map(([key, entry]) => [key, mapStrings(entry, change, key)]);
  return Object.fromEntries(entries) as Json;
}

/** All texts of a history, what payloads hold among them. */
export function textsOf(history: Json): string {
  const texts: string[] = [];
  mapStrings(history, (text, name) => {
    texts.push(text);
    if (name === 'data') texts.push(Buffer.from(text, 'base64').toString('utf8'));
    return text;
  });
  return texts.join('\n');
}
