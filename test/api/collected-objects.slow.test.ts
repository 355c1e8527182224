// Guests with garbage-collected objects: refused by name, or run on a thread of their own whose heap is bounded (Node.js).

import { afterEach, expect, it } from 'vitest';
import { GuestImageError, Host } from 'vsmmu';
import { reactor } from '../support/wat.ts';

/** Makes objects for ever, and keeps them all; the argument of its slice is not looked at. */
const KEEPS_ALL = reactor(
  `(type $object (struct (field (ref null $object)) (field i64 i64 i64 i64)))
   (global $all (mut (ref null $object)) (ref.null $object))
   (func $run (param i32) (result i32)
     (loop $for_ever
       (global.set $all (struct.new $object (global.get $all)
         (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4)))
       (br $for_ever))
     (i32.const 1))`,
);
/** Ends at once. */
const OFF = reactor('(func $run (param i32) (result i32) (i32.const 2))');

let host: Host | undefined;
afterEach(() => host?.destroy());

it('are refused by name', async () => {
  host = await Host.create();
  for (const transport of ['inline', 'mailbox'] as const)
    await expect(host.createMachine({ guest: KEEPS_ALL, transport })).rejects.toMatchObject({
      name: GuestImageError.name,
      code: 'gc-types',
    });
});

it('may fill the heap of a thread, which fails their machine and ends no process', {
  timeout: 120_000,
}, async () => {
  host = await Host.create();
  const made = host.createMachine({ guest: KEEPS_ALL, transport: 'mailbox', allowGc: true });
  // Node.js 20 has no such objects, and says so in one line.
  if (WebAssembly.validate(KEEPS_ALL)) {
    const machine = await made;
    await machine.boot();
    expect(await machine.wait()).toMatchObject({
      status: 'failed',
      reason: expect.stringMatching(/guest vCPU 0.*memory/s),
    });
  } else {
    await expect(made).rejects.toMatchObject({ name: GuestImageError.name, code: 'invalid-wasm' });
  }
  // The host goes on with its next guest.
  const next = await host.createMachine({ guest: OFF, transport: 'mailbox' });
  await next.boot();
  expect(await next.wait()).toMatchObject({ status: 'off' });
});
