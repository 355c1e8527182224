// SPDX-License-Identifier: MIT
// Events of a machine in a loop, in which a guest causes more events than are read.

import { expect, it } from 'vitest';
import { eventStream, MOST_UNREAD } from '../../vmm/api/event-stream.ts';
import type { MachineEvents } from '../../vmm/api/machine-types.ts';

it('of unread events, the last ones are kept, up to a limit, with the end', async () => {
  const listeners = new Map<string, (value: never) => void>();
  const stream = eventStream(['check'], (name, listener) => {
    listeners.set(name, listener as (value: never) => void);
    return () => listeners.delete(name);
  });
  const tell = <K extends keyof MachineEvents>(name: K, value: MachineEvents[K]) =>
    listeners.get(name)?.(value as never);
  for (let i = 0; i < MOST_UNREAD + 10; i++)
    tell('check', { name: `check ${i}`, ok: true, detail: '' });
  tell('end', { status: 'off', exitCode: 0, reason: '' } as MachineEvents['end']);
  const names: string[] = [];
  for await (const event of stream)
    names.push(event.name === 'check' ? event.value.name : event.name);
  expect(names.length).toBe(MOST_UNREAD);
  expect([names[0], names.at(-2), names.at(-1)]).toEqual([
    'check 11',
    `check ${MOST_UNREAD + 9}`,
    'end',
  ]);
  expect(listeners.size).toBe(0);
});
