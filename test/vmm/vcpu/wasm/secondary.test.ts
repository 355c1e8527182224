// SPDX-License-Identifier: MIT
// Secondary vCPUs inline: they take turns with vCPU 0, and none runs on the stack of
// another except while that one waits.

import { describe, expect, it } from 'vitest';
import { smallMachine } from '../../../support/small-machine.ts';
import { assemble, GUEST_PAGES, reactor } from '../../../support/wat.ts';

/** A log of bytes: its length, then the writers. */
const LOG = 0x100000;
const WORK = 0x100400;

const NOTE = `(func $note (param $who i32)
  (i32.store8 (i32.add (i32.const ${LOG + 4}) (i32.load (i32.const ${LOG}))) (local.get $who))
  (i32.store (i32.const ${LOG}) (i32.add (i32.load (i32.const ${LOG})) (i32.const 1))))`;

/**
 * Logs its argument in each turn; after `turns` of them, it is off. It counts turns at
 * WORK + argument.
 */
const secondary = (turns: number, rest = '') =>
  WebAssembly.compile(
    assemble(`(module (import "env" "memory" (memory ${GUEST_PAGES} ${GUEST_PAGES} shared))
      (import "vsmmu" "wait" (func $wait (param i32)))
      ${NOTE}
      (func $entry (param $vcpu i32) (param $argument i32) (result i32) (local $count i32)
        (call $note (local.get $argument))
        ${rest}
        (local.set $count (i32.add (i32.load8_u (i32.add (i32.const ${WORK}) (local.get $vcpu))) (i32.const 1)))
        (i32.store8 (i32.add (i32.const ${WORK}) (local.get $vcpu)) (local.get $count))
        (select (i32.const 2) (i32.const 1) (i32.ge_u (local.get $count) (i32.const ${turns}))))
      (export "vsmmu_secondary" (func $entry)))`),
  );

const IMPORTS = `(import "vsmmu" "vcpu_start" (func $start (param i32 i32) (result i32)))
  (import "vsmmu" "wait" (func $wait (param i32)))`;

/** A primary whose first turn is `first`; each turn logs "0". */
const primary = (first: string) =>
  reactor(
    `${NOTE}
     (func $run (param i32) (result i32)
       (call $note (i32.const 48))
       (if (i32.eqz (i32.load (i32.const ${WORK + 16}))) (then
         (i32.store (i32.const ${WORK + 16}) (i32.const 1))
         ${first}))
       (i32.const 1))`,
    IMPORTS,
  );

const start = (vcpu: number, who: string) =>
  `(drop (call $start (i32.const ${vcpu}) (i32.const ${who.charCodeAt(0)})))`;

async function machineOf(first: string, program: Promise<WebAssembly.Module>, vcpus = 3) {
  const machine = await smallMachine({ guest: primary(first), vcpus, secondary: await program });
  await machine.boot();
  const log = () => {
    const bytes = new Uint8Array(machine.memory.buffer);
    const [length = 0] = new Uint32Array(machine.memory.buffer, LOG, 1);
    return String.fromCharCode(...bytes.slice(LOG + 4, LOG + 4 + length));
  };
  return { machine, log };
}

describe('secondary vCPUs inline', () => {
  it('run in turns with vCPU 0 and with each other, and are resumed until they are off', async () => {
    const { machine, log } = await machineOf(start(1, 'a') + start(2, 'b'), secondary(3));
    for (let step = 0; step < 5; step++) expect(machine.step()).toBe('running');
    expect(log()).toBe('0ab0ab0ab00');
  });

  it('do not run before vCPU 0 waits or yields', async () => {
    const { machine, log } = await machineOf(
      `${start(1, 'a')} (call $note (i32.const 33))`,
      secondary(1),
    );
    machine.step();
    expect(log()).toBe('0!a');
  });

  it('get a turn for each wait of vCPU 0', async () => {
    const wait = '(call $wait (i32.const 1)) (call $note (i32.const 46))';
    const { machine, log } = await machineOf(start(1, 'a') + wait + wait, secondary(9));
    machine.step();
    expect(log()).toBe('0a.a.a');
  });

  it('that wait let others run, but never themselves again', async () => {
    const waiting = '(call $wait (i32.const 1)) (call $note (i32.const 46))';
    const { machine, log } = await machineOf(start(1, 'a') + start(2, 'b'), secondary(1, waiting));
    machine.step();
    // b runs within a's wait; in its own wait no vCPU is left.
    expect(log()).toBe('0ab..');
  });

  it('cannot be started twice, and can once they are off', async () => {
    const twice = `${start(1, 'a')}
      (call $note (i32.add (i32.const 49) (call $start (i32.const 1) (i32.const 97))))
      (call $wait (i32.const 1))
      (call $note (i32.add (i32.const 49) (call $start (i32.const 1) (i32.const 98))))`;
    const { machine, log } = await machineOf(twice, secondary(1));
    machine.step();
    // -1 and 0, as characters from "1" on.
    expect(log()).toBe('00a1b');
  });

  it('that do not exist are not started', async () => {
    const none = `(call $note (i32.add (i32.const 49) (call $start (i32.const 3) (i32.const 97))))
      (call $note (i32.add (i32.const 49) (call $start (i32.const 0) (i32.const 97))))
      (call $note (i32.add (i32.const 49) (call $start (i32.const -1) (i32.const 97))))`;
    const { machine, log } = await machineOf(none, secondary(1));
    machine.step();
    expect(log()).toBe('0000');
  });

  it('fail their machine when one of them traps', async () => {
    const { machine, log } = await machineOf(
      `${start(1, 'a')} (call $wait (i32.const 1)) (call $note (i32.const 33))`,
      secondary(1, 'unreachable'),
    );
    expect(machine.step()).toBe('failed');
    // vCPU 0 does not return from its wait.
    expect([log(), machine.error?.message]).toEqual(['0a', 'guest vCPU 1: unreachable']);
  });

  it('keep their machine from being idle', async () => {
    const idle = reactor(
      `(func $run (param i32) (result i32)
         (if (i32.eqz (i32.load (i32.const ${WORK + 16}))) (then
           (i32.store (i32.const ${WORK + 16}) (i32.const 1))
           ${start(1, 'a')}))
         (i32.const 0))`,
      IMPORTS,
    );
    const machine = await smallMachine({ guest: idle, vcpus: 2, secondary: await secondary(2) });
    await machine.boot();
    const seen = [0, 1, 2].map(() => {
      machine.step();
      return machine.idle;
    });
    expect(seen).toEqual([false, true, true]);
  });
});
