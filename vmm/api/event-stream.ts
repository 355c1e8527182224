// SPDX-License-Identifier: MIT
// Events of a machine in sequence, for `for await`.

import { MACHINE_EVENTS, type MachineEvents } from './machine-types.ts';

/** Names of a machine's events. */
export type MachineEventName = keyof MachineEvents;

/** One event, of all or of some kinds: its name, and the value passed to listeners. */
export type MachineEvent<K extends MachineEventName = MachineEventName> = {
  readonly [Name in K]: {
    readonly name: Name;
    readonly value: MachineEvents[Name];
  };
}[K];

/** Maximum number of events kept for a slow reader: a guest can cause any number. */
export const MOST_UNREAD = 4096;

type Take = (result: IteratorResult<MachineEvent, undefined>) => void;

/** Events with these names in sequence; `end` is the last one. */
export type MachineEventStream<K extends MachineEventName = MachineEventName> =
  AsyncIterableIterator<MachineEvent<K | 'end'>, undefined>;

/**
 * The events from now on, buffered until they are read: the last MOST_UNREAD of them. The
 * stream ends after `end`; leaving the loop earlier removes the listeners.
 * @param names none: all.
 * @param listen adds a listener of an event, and returns a function that removes it.
 */
export function eventStream<K extends MachineEventName>(
  names: readonly K[],
  listen: (
    name: MachineEventName,
    listener: (value: MachineEvents[MachineEventName]) => void,
  ) => () => void,
): MachineEventStream<K> {
  const unread: MachineEvent[] = [];
  const waiting: Take[] = [];
  let over = false;
  const done = { done: true, value: undefined } as const;
  const close = () => {
    over = true;
    for (const unlisten of unlisteners.splice(0)) unlisten();
    for (const take of waiting.splice(0)) take(done);
  };
  const add = (event: MachineEvent) => {
    const take = waiting.shift();
    if (take) take({ value: event });
    else if (unread.push(event) > MOST_UNREAD) unread.shift();
    if (event.name === 'end') close();
  };
  const some = names.length > 0 ? [...new Set([...names, 'end' as const])] : MACHINE_EVENTS;
  const unlisteners = some.map((name) =>
    listen(name, (value) => add({ name, value } as MachineEvent)),
  );
  const stream: AsyncIterableIterator<MachineEvent, undefined> = {
    next() {
      const value = unread.shift();
      if (value) return Promise.resolve({ value });
      if (over) return Promise.resolve(done);
      return new Promise((resolve) => waiting.push(resolve));
    },
    return() {
      unread.length = 0;
      close();
      return Promise.resolve(done);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
  // No other event is listened to.
  return stream as MachineEventStream<K>;
}
