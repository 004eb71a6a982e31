/** A proposal for the registry as YAML: declarations of the shape that `rotor apply` takes, with a comment where a person must decide. */
import { Document, isMap, isScalar, isSeq, type YAMLMap } from 'yaml';
import { RotorError } from '../../domain/errors.js';
import { namer, type Found, type FoundPlace, type FoundSecret } from '../../domain/import/found.js';
import { guessOf } from '../../domain/import/guess.js';
import { readDocuments } from '../../schemas/declarations.js';

export interface Proposing {
  readonly organization: string;
  readonly found: Found;
  /** Names of configured issuers, with their kinds; where nobody knows, none. */
  readonly issuers: ReadonlyMap<string, string>;
}

export interface Proposal {
  readonly text: string;
  readonly secrets: number;
  /** Lines where a person must decide. */
  readonly decisions: number;
}

const mark = 'decide:';
const nobody = 'todo';
/** As a person's place may be called. */
const longestPlace = 200;

export function proposalOf(proposing: Proposing): Proposal {
  const { organization, found } = proposing;
  const name = namer();
  const dependents = dependentsOf(found.secrets);
  const secrets = found.secrets.map((one) => ({ ...one, name: name(one.title) }));
  const document = new Document({
    organization,
    dependents: [...new Set(dependents.values())].map((one) => ({ name: one, owner: nobody })),
    secrets: secrets.map((one) => ({
      name: one.name,
      issuer: issuerFor(one, proposing.issuers) ?? nobody,
      owner: one.owner ?? nobody,
      specification: {},
      dependencies: one.places.map((place) => ({
        dependent: dependents.get(place.dependent ?? one.title) ?? nobody,
        ...placed(place, one),
      })),
    })),
  });
  document.commentBefore = headOf(found);
  comment(document, secrets);
  const text = document.toString({ lineWidth: 0 });
  refuseWrong(document.toJS());
  return { text, secrets: secrets.length, decisions: text.split(`# ${mark}`).length - 1 };
}

/** Where the value is a part of a text, rotor would write over the rest: a person puts it in. */
function placed({ connector, destination }: FoundPlace, { guess }: FoundSecret): object {
  if (guess?.isPart !== true) return { connector, destination, leastEvidence: 'read-back' };
  const place = Object.values(destination).join('#').slice(-longestPlace);
  const instructions = 'put the new password into the address that stands there';
  const asked = { place, assignee: nobody, instructions, dueWithin: '2d' };
  return { connector: 'human-task', destination: asked, leastEvidence: 'human' };
}

/** By what the places call them. */
function dependentsOf(secrets: readonly FoundSecret[]): ReadonlyMap<string, string> {
  const name = namer();
  const names = new Map<string, string>();
  for (const { title, places } of secrets)
    for (const { dependent = title } of places)
      if (!names.has(dependent)) names.set(dependent, name(dependent));
  return names;
}

/** The only one of the kind that the value looks like. */
function issuerFor({ guess }: FoundSecret, issuers: Proposing['issuers']): string | undefined {
  const fitting = [...issuers].filter(([, kind]) => kind === guess?.issuerKind);
  const [only, ...more] = fitting;
  return more.length === 0 ? only?.[0] : undefined;
}

function headOf({ source, leftOut }: Found): string {
  return [
    ` Proposed by rotor import, from ${source}: names only, nothing was changed.`,
    ` Where a line says "${mark}", a person must. Then:`,
    '   rotor apply -f THIS FILE --dry-run, and without it',
    '   rotor adopt ORGANIZATION/SECRET --value-stdin, which takes the value over',
    ...(leftOut.length === 0 ? [] : ['', ' Not taken:']),
    ...leftOut.map((one) => `   ${oneLine(one)}`),
  ].join('\n');
}

/** What steers a terminal, or ends a comment, is no text; nor is what somebody pasted that looks like a secret. */
function oneLine(text: string): string {
  const plain = text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').slice(0, 300);
  return plain
    .split(' ')
    .map((word) => {
      const guess = guessOf('', word.replace(/^[\w-]+[=:](?!\/\/)/, ''));
      return guess === undefined ? word : `[${guess.is}]`;
    })
    .join(' ');
}

function comment(document: Document, secrets: readonly FoundSecret[]): void {
  for (const map of mapsIn(document, 'dependents')) decide(map, 'owner', 'who answers for it?');
  for (const [index, map] of mapsIn(document, 'secrets').entries()) {
    const secret = secrets[index];
    if (secret !== undefined) commentSecret(map, secret);
  }
}

function commentSecret(map: YAMLMap, secret: FoundSecret): void {
  const { guess, owner, places } = secret;
  const notes = notesOf(secret);
  if (notes.length > 0) map.commentBefore = notes.map((note) => ` ${oneLine(note)}`).join('\n');
  const kind = guess?.issuerKind;
  decide(map, 'issuer', kind === undefined ? 'which issuer makes it?' : `an issuer of ${kind}?`);
  decide(map, 'owner', owner === undefined ? 'who answers for it?' : 'is that so?');
  decide(map, 'specification', 'which principal, and what else its issuer asks for');
  if (places.some(({ dependent }) => dependent === undefined))
    decide(map, 'dependencies', 'who reads it there? One dependent for each');
  for (const one of mapsIn(map, 'dependencies')) commentDependency(one, guess?.isPart === true);
}

function notesOf({ guess, notes }: FoundSecret): string[] {
  if (guess === undefined) return [...notes];
  const part =
    guess.isPart === true
      ? ['a variable of its own for the password, and rotor writes it by itself']
      : [];
  return [`looks like ${guess.is}`, ...part, ...notes];
}

function commentDependency(map: YAMLMap, byPerson: boolean): void {
  decide(map, 'leastEvidence', 'observed is stronger, with seenAs');
  const destination = map.get('destination', true);
  if (byPerson && isMap(destination)) decide(destination, 'assignee', 'who puts it in?');
}

function mapsIn(within: Document | YAMLMap, field: string): YAMLMap[] {
  const list = within.get(field, true);
  return isSeq(list) ? list.items.filter((one) => isMap(one)) : [];
}

/** Behind the value, where it is on the line of its key. */
function decide(map: YAMLMap, field: string, what: string): void {
  const pair = map.items.find(({ key }) => isScalar(key) && key.value === field);
  const said = ` ${mark} ${what}`;
  if (isScalar(pair?.value)) pair.value.comment = said;
  else if (isScalar(pair?.key)) pair.key.commentBefore = said;
}

/** What rotor proposes has the shape that rotor takes. */
function refuseWrong(document: unknown): void {
  const { problems } = readDocuments([document]);
  if (problems.length === 0) return;
  throw new RotorError('import-unfit', 'what was found does not fit into declarations', {
    kind: 'failed',
    hint: 'take less at once: fewer files, or a longer prefix',
    problems: problems.slice(0, 20),
  });
}
