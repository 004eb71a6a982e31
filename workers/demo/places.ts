/** Where a program of the demo keeps its copy of a value: declared and read the same way in every scenario. */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { parse } from 'dotenv';

export interface Place {
  readonly source: 'dotenv' | 'list' | 'json' | 'webhook';
  readonly file: string;
  /** Of a webhook. */
  readonly port?: number;
}

export interface Destination {
  readonly connector: string;
  readonly destination: object;
}

export function destinationOf({ source, file, port }: Place): Destination {
  switch (source) {
    case 'dotenv':
      return { connector: 'dotenv', destination: { file, variable: 'CLIENT_SECRET' } };
    case 'list':
      return {
        connector: 'dotenv',
        destination: { file, variable: 'CLIENT_SECRETS', separator: ',' },
      };
    case 'json':
      return { connector: 'json-file', destination: { file, pointer: '/api/secret' } };
    case 'webhook':
      return { connector: 'webhook', destination: { url: `http://127.0.0.1:${port ?? 0}/` } };
  }
}

/** What lies there now; of a webhook, what it was started with. */
export function valuesIn({ source, file }: Pick<Place, 'source' | 'file'>): string[] {
  const text = readFileSync(file, 'utf8');
  switch (source) {
    case 'dotenv':
      return [parse(text)['CLIENT_SECRET'] ?? ''];
    case 'list':
      return (parse(text)['CLIENT_SECRETS'] ?? '').split(',');
    case 'json':
      return [(JSON.parse(text) as { api: { secret: string } }).api.secret];
    case 'webhook':
      return [text.trim()];
  }
}

export function valueIn(place: Pick<Place, 'source' | 'file'>): string {
  return valuesIn(place)[0] ?? '';
}

export interface WatchedPlaces {
  /** All that lay there at any time since. */
  readonly seen: ReadonlySet<string>;
  stop(): Promise<void>;
}

const lookEveryMs = 30;

export function watchPlaces(places: readonly Place[]): WatchedPlaces {
  const seen = new Set<string>();
  let watching = true;
  const look = async (): Promise<void> => {
    while (watching) {
      for (const place of places) seen.add(valueIn(place));
      await pause(lookEveryMs);
    }
  };
  const looking = look();
  return {
    seen,
    stop: async () => {
      watching = false;
      await looking;
    },
  };
}
