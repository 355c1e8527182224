// SPDX-License-Identifier: MIT
// Guests with garbage-collected objects: refused by name, or run on a thread of their own
// when they are trusted.

import { afterEach, expect, it } from 'vitest';
import { GuestImageError, Host } from 'vsmmu';
import { KEEPS_ALL } from '../support/keeps-all.ts';
import { reactor } from '../support/wat.ts';

/** Allocates 10,000 objects, keeps them, and ends. */
const KEEPS_SOME = reactor(
  `(type $object (struct (field (ref null $object)) (field i64 i64 i64 i64)))
   (global $all (mut (ref null $object)) (ref.null $object))
   (func $run (param i32) (result i32) (local $left i32)
     (local.set $left (i32.const 10000))
     (loop $more
       (global.set $all (struct.new $object (global.get $all)
         (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4)))
       (br_if $more (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
     (i32.const 2))`,
);

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

it('run on a thread where they are allowed', async () => {
  host = await Host.create();
  const made = host.createMachine({ guest: KEEPS_SOME, transport: 'mailbox', allowGc: true });
  // Node.js 20 does not support such objects, which the error states in one line.
  if (!WebAssembly.validate(KEEPS_SOME))
    return await expect(made).rejects.toMatchObject({
      name: GuestImageError.name,
      code: 'invalid-wasm',
    });
  const machine = await made;
  await machine.boot();
  expect(await machine.wait()).toMatchObject({ status: 'off' });
});
