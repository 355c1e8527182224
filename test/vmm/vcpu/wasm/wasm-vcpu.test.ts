// SPDX-License-Identifier: MIT
// A Wasm vCPU alone, through the interface that machines use.

import { describe, expect, it } from 'vitest';
import { Bus, SYSTEM_CLOCK } from '../../../../devices/bus/index.ts';
import type { Vcpu, VcpuExit, VcpuHost } from '../../../../vmm/vcpu/index.ts';
import {
  createGuestMemory,
  createWasi,
  loadGuestImage,
  WasmGuest,
} from '../../../../vmm/vcpu/wasm/index.ts';
import { WasmProgram } from '../../../../vmm/vcpu/wasm/wasm-program.ts';
import { assemble, GUEST_PAGES, reactor } from '../../../support/wat.ts';

const DATA = 0x100000;

/** A machine that allows everything. */
function host(): VcpuHost {
  const inGuest: boolean[] = [];
  return {
    name: 'vm0',
    bus: new Bus([]),
    clock: SYSTEM_CLOCK,
    gate: { enter: () => undefined, leave: () => undefined, threw: (_, thrown) => thrown },
    setInGuest: (vcpu, running) => {
      inGuest[vcpu] = running;
    },
    isInGuest: (vcpu) => inGuest[vcpu] ?? false,
    startVcpu: () => -1,
    wait: () => undefined,
    attend: () => false,
    untilTimerMs: () => Number.POSITIVE_INFINITY,
    isBusy: () => false,
    failed: () => undefined,
  };
}

async function vcpuOf(binary: Uint8Array<ArrayBuffer>) {
  const image = await loadGuestImage(binary);
  const memory = createGuestMemory(image);
  const options = { image, memory, ramGpaBase: 0x80000000, wasi: createWasi };
  const guest = new WasmGuest(options);
  const [vcpu] = await guest.start(host(), new AbortController().signal);
  return { guest, memory, vcpu: vcpu as Vcpu, words: new Uint32Array(memory.buffer) };
}

const run = (vcpu: Vcpu, budget = 1) => vcpu.run(budget) as VcpuExit;

/** Logs its initialization and the budgets that it got; returns the value at DATA + 8. */
const REACTOR = reactor(
  `(func $init (i32.store (i32.const ${DATA}) (i32.add (i32.load (i32.const ${DATA})) (i32.const 1))))
   (func $run (param i32) (result i32)
     (i32.store (i32.const ${DATA + 4}) (i32.add (i32.load (i32.const ${DATA + 4})) (local.get 0)))
     (i32.load (i32.const ${DATA + 8})))`,
);

describe('a Wasm vCPU', () => {
  it('initializes itself first, then runs with the given budgets', async () => {
    const { vcpu, words } = await vcpuOf(REACTOR);
    words[(DATA + 8) >> 2] = 1;
    expect(run(vcpu, 100)).toEqual({ reason: 'yield' });
    expect([words[DATA >> 2], words[(DATA + 4) >> 2]]).toEqual([1, 0]);
    expect(run(vcpu, 5)).toEqual({ reason: 'yield' });
    expect(run(vcpu, 7)).toEqual({ reason: 'yield' });
    expect([words[DATA >> 2], words[(DATA + 4) >> 2]]).toEqual([1, 12]);
  });

  it.each([
    [0, { reason: 'idle' }],
    [1, { reason: 'yield' }],
    [2, { reason: 'off', code: 0 }],
  ])('says what %d of a reactor means', async (result, exit) => {
    const { vcpu, words } = await vcpuOf(REACTOR);
    run(vcpu);
    words[(DATA + 8) >> 2] = result;
    expect(run(vcpu)).toEqual(exit);
  });

  it('fails with a result that means nothing, and with a trap', async () => {
    const { vcpu, words } = await vcpuOf(REACTOR);
    run(vcpu);
    words[(DATA + 8) >> 2] = 3;
    const exit = run(vcpu);
    expect(exit.reason === 'failed' && exit.error.message).toBe(
      'guest vCPU 0: vsmmu_run returned 3',
    );
    const trapping = await vcpuOf(reactor('(func $run (param i32) (result i32) unreachable)'));
    run(trapping.vcpu);
    const trap = run(trapping.vcpu);
    expect(trap.reason === 'failed' && trap.error.message).toBe('guest vCPU 0: unreachable');
    const throwing = await vcpuOf(
      reactor('(tag $t (param i32)) (func $run (param i32) (result i32) (throw $t (i32.const 1)))'),
    );
    run(throwing.vcpu);
    const thrown = run(throwing.vcpu);
    expect(thrown.reason === 'failed' && thrown.error.message).toBe(
      'guest vCPU 0: the guest threw an exception that nothing caught',
    );
  });

  it('is off with the exit code of a command', async () => {
    const command = (body: string) =>
      assemble(`(module (import "env" "memory" (memory ${GUEST_PAGES} ${GUEST_PAGES} shared))
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (export "memory" (memory 0)) (func (export "_start") ${body}))`);
    expect(run((await vcpuOf(command('(call $exit (i32.const 7))'))).vcpu)).toEqual({
      reason: 'off',
      code: 7,
    });
    expect(run((await vcpuOf(command(''))).vcpu)).toEqual({ reason: 'off', code: 0 });
  });

  it('is at its beginning again after a reset', async () => {
    const { vcpu, words } = await vcpuOf(REACTOR);
    run(vcpu);
    await vcpu.reset({ argument: 0 });
    run(vcpu, 9);
    expect([words[DATA >> 2], words[(DATA + 4) >> 2]]).toEqual([2, 0]);
  });

  it('continues elsewhere from its saved state', async () => {
    const before = await vcpuOf(REACTOR);
    before.words[(DATA + 8) >> 2] = 1;
    run(before.vcpu);
    run(before.vcpu, 40);
    const state = JSON.parse(JSON.stringify(before.vcpu.save()));
    const after = await vcpuOf(REACTOR);
    await after.vcpu.restore(state);
    after.words.set(before.words);
    expect(run(after.vcpu, 2)).toEqual({ reason: 'yield' });
    // It is not initialized a second time.
    expect([after.words[DATA >> 2], after.words[(DATA + 4) >> 2]]).toEqual([1, 42]);
    await expect(after.vcpu.restore({ kind: 'arm64' })).rejects.toThrow(TypeError);
  });

  it('leaves the guest when the word in its info page requests it', async () => {
    const { guest, words } = await vcpuOf(REACTOR);
    guest.setExitRequest(true);
    expect(words[0x618 >> 2]).toBe(1);
    guest.setExitRequest(false);
    expect(words[0x618 >> 2]).toBe(0);
  });
});

describe('what vsmmu_run must not return', () => {
  it.each<[unknown, string]>([
    [3, '3'],
    [undefined, 'undefined'],
    [null, 'null'],
    [2n, '2'],
    // V8's values for a structure in WebAssembly, and for several results.
    [Object.freeze(Object.create(null)), 'an object'],
    [[Object.create(null)], 'an object'],
  ])('fails the vCPU: case %#', (result, text) => {
    const program = new WasmProgram(0, 'reactor');
    program.reset({ argument: 0 });
    program.returned(undefined);
    const exit = program.returned(result);
    expect(exit.reason === 'failed' && exit.error.message).toContain(`vsmmu_run returned ${text}`);
  });
});
