// Events of a machine one after the other, for `for await`.

import type { MachineEvents } from './machine-types.ts';

/** One event: its name, and what its listeners are given. */
export type MachineEvent = {
  readonly [Name in keyof MachineEvents]: {
    readonly name: Name;
    readonly value: MachineEvents[Name];
  };
}[keyof MachineEvents];

type Take = (result: IteratorResult<MachineEvent, undefined>) => void;

/**
 * The events from now on, kept until they are asked for. It is over behind `end`, and whoever
 * leaves the loop before takes its listeners away.
 * @param listen adds a listener of an event; returns the function that takes it away.
 */
export function eventStream(
  names: readonly (keyof MachineEvents)[],
  listen: (
    name: keyof MachineEvents,
    listener: (value: MachineEvents[keyof MachineEvents]) => void,
  ) => () => void,
): AsyncIterableIterator<MachineEvent, undefined> {
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
    else unread.push(event);
    if (event.name === 'end') close();
  };
  const unlisteners = names.map((name) =>
    listen(name, (value) => add({ name, value } as MachineEvent)),
  );
  return {
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
}
