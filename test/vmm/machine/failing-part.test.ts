// SPDX-License-Identifier: MIT
// A part of a machine that fails outside the guest, while vCPU 0 is inside it on a thread
// of its own.

import { describe, expect, it } from 'vitest';
import { NO_EXIT_REQUEST } from '../../../devices/unit/index.ts';
import { testdevCommands } from '../../../devices/virtio/index.ts';
import { MachineCore } from '../../../vmm/machine/index.ts';
import type { Guest, Vcpu, VcpuExit } from '../../../vmm/vcpu/index.ts';

/**
 * A machine whose vCPU stays in the guest until it is stopped; `asked` records the
 * requests to it.
 */
async function busyMachine() {
  const asked: string[] = [];
  let leave: (exit: VcpuExit) => void = () => undefined;
  const vcpu: Vcpu = {
    index: 0,
    inGuest: true,
    still: false,
    reset: () => undefined,
    run: () =>
      new Promise((resolve) => {
        leave = resolve;
      }),
    setIrq: () => undefined,
    setPaused: () => undefined,
    save: () => ({}),
    restore: async () => undefined,
    stop: () => {
      asked.push('stop');
      leave({ reason: 'yield' });
      return Promise.resolve();
    },
  };
  const guest: Guest = {
    vcpus: 1,
    inline: false,
    initialSlice: false,
    interrupts: { line: () => ({ pulse: () => undefined, setLevel: () => undefined }) },
    exits: { counted: () => undefined, isInvalidating: () => false },
    directMaps: undefined,
    exitRequest: NO_EXIT_REQUEST,
    drainSleep: undefined,
    describe: () => undefined,
    start: async () => [vcpu],
    safePoint: () => undefined,
    setExitRequest: (wanted) => {
      if (wanted) asked.push('exit');
    },
    reset: () => undefined,
  };
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 16, shared: true });
  const machine = new MachineCore({ name: 'busy', guest, memory, regions: [], devices: [] });
  await machine.boot();
  return { machine, asked };
}

it('has the guest leave, and fails its machine', async () => {
  const { machine, asked } = await busyMachine();
  const run = machine.run();
  machine.fail('drain', new Error('its worker has ended'));
  expect(asked).toEqual(['exit', 'stop']);
  expect(await run).toBe('failed');
  expect(machine.error?.message).toBe('drain: its worker has ended');
});

it('changes nothing, and requests nothing, once the machine has ended', async () => {
  const { machine, asked } = await busyMachine();
  machine.stop('enough');
  asked.length = 0;
  machine.fail('drain', new Error('its worker has ended'));
  expect([machine.status, asked]).toEqual(['stopped', []]);
});

describe('a device to which a guest writes many commands to end the machine', () => {
  /** The console of tests, with a guest's output of this many commands. */
  const write = (machine: MachineCore, text: string) => {
    const receive = testdevCommands((code) => machine.powerOff(code));
    for (const piece of text) receive(new TextEncoder().encode(piece));
  };

  it('requests the vCPUs once to leave, and the first exit code counts', async () => {
    const { machine, asked } = await busyMachine();
    const run = machine.run();
    write(machine, `3q${'q'.repeat(1000)}`);
    expect(asked).toEqual(['exit', 'stop']);
    expect(await run).toBe('off');
    expect(machine.end).toEqual({ status: 'off', exitCode: 3 });
  });

  it('can still be stopped by its owner meanwhile', async () => {
    const { machine } = await busyMachine();
    const run = machine.run();
    write(machine, '3q');
    machine.stop('enough');
    write(machine, '4q');
    expect(await run).toBe('stopped');
  });
});
