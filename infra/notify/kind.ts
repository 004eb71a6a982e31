/** What a kind of channel is: its options, and how it is opened. */
import { z } from 'zod';
import type { ToldEvent } from '../../domain/told-event.js';

export interface Message {
  /** The same when it is sent again: whoever gets it twice can drop it. */
  readonly id: string;
  /** One, or those of a digest. */
  readonly events: readonly ToldEvent[];
}

/** Both throw AdapterError. */
export interface Channel {
  /** At least once: what was sent and not recorded is sent again, with the same id. */
  send(message: Message, signal: AbortSignal): Promise<void>;
  /** Looks whether it could be sent, and sends nothing. */
  check(signal: AbortSignal): Promise<string>;
}

export interface ChannelKind<O extends z.ZodType = z.ZodType> {
  readonly kind: string;
  readonly options: O;
  /** Reads no secret: that is done with each message, so that another one is used from then on. */
  open(options: z.output<O>): Channel;
}

export function channelKind<O extends z.ZodType>(definition: ChannelKind<O>): ChannelKind<O> {
  return definition;
}

/** Claims last longer than this. */
export const longestSendMs = 60_000;

export const SendTimeout = z.number().int().positive().max(longestSendMs).default(10_000);

/** Its own time, or less where the sender has to end. */
export function within(timeoutMs: number, signal: AbortSignal): AbortSignal {
  return AbortSignal.any([AbortSignal.timeout(timeoutMs), signal]);
}
