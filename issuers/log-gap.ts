/** Until when something was missing in what was read of a log. */
export interface Gap {
  /** Something is missing, up to the next line that has a time. */
  open(): void;
  closeAt(time: Date): void;
  endedAt(time: Date): void;
  /** The end of the last one. */
  last(): Date;
}

export function noGap(): Gap {
  let isOpen = false;
  let last = new Date(0);
  const endedAt = (time: Date): void => {
    if (time > last) last = time;
  };
  return {
    open: () => (isOpen = true),
    closeAt: (time) => {
      if (isOpen) endedAt(time);
      isOpen = false;
    },
    endedAt,
    last: () => last,
  };
}
