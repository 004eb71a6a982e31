/** What people are asked to do by hand, and what became of it. */
export const taskKinds = ['enter', 'remove'] as const;
/** `enter`: type the version in; `remove`: it is dead, and goes from the place. */
export type TaskKind = (typeof taskKinds)[number];

/** `closed`: nobody has to do it any more. Only `open` is ever left. */
export const taskStates = ['open', 'confirmed', 'declined', 'closed'] as const;
export type TaskState = (typeof taskStates)[number];

export interface TaskFacts {
  readonly taskId: string;
  readonly kind: TaskKind;
  readonly dependencyId: string;
  readonly versionId: string;
  /** Only who enters a version is waited for by a run. */
  readonly runId: string | undefined;
  readonly state: TaskState;
  readonly openedAt: Date;
  readonly dueAt: Date;
  /** When the value was shown. */
  readonly fetchedAt: Date | undefined;
  readonly settledAt: Date | undefined;
  readonly settledBy: string | undefined;
  readonly note: string | undefined;
  /** The run has taken into account what was said. */
  readonly heard: boolean;
  /** The newest one: an earlier link is dead. */
  readonly link: LinkFacts | undefined;
}

export interface LinkFacts {
  readonly linkId: string;
  readonly expiresAt: Date;
  readonly openedAt: Date | undefined;
}

export interface TaskSubject {
  readonly kind: TaskKind;
  readonly assignee: string;
  readonly ordinal: number;
  /** `organization/name`. */
  readonly secret: string;
  readonly dependent: string;
  readonly place: string;
}

/** Who does what, and where; there is no value in it. */
export function taskTold({
  kind,
  assignee,
  ordinal,
  secret,
  dependent,
  place,
}: TaskSubject): string {
  const version = `v${ordinal} of ${secret}`;
  return kind === 'enter'
    ? `${assignee} types ${version} in for ${dependent} (${place})`
    : `${assignee} removes ${version}, which is dead, from ${dependent} (${place})`;
}
