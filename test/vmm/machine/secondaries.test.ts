// SPDX-License-Identifier: MIT
// Secondary vCPUs whose reset takes time. Those of a WebAssembly guest are ready at once;
// other kinds of guests may not be.

import { describe, expect, it, vi } from 'vitest';
import { NO_EXIT_REQUEST } from '../../../devices/unit/index.ts';
import { MachineCore } from '../../../vmm/machine/index.ts';
import type { Guest, Vcpu, VcpuExit, VcpuHost } from '../../../vmm/vcpu/index.ts';

const YIELD: VcpuExit = { reason: 'yield' };
const OFF: VcpuExit = { reason: 'off', code: 0 };

/** A promise, and the functions that resolve or reject it. */
function deferred() {
  let resolve: () => void = () => undefined;
  let reject: (cause: Error) => void = () => undefined;
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

/**
 * A machine of two vCPUs. vCPU 0 starts vCPU 1 in each of its turns, whose resets end
 * when the test decides; vCPU 1 yields once, and is off.
 */
async function slowMachine(inline: boolean) {
  const log: string[] = [];
  const resets: ReturnType<typeof deferred>[] = [];
  let turns = 0;
  const back = (exit: VcpuExit) => (inline ? exit : Promise.resolve(exit));
  const vcpu = (index: number, rest: Pick<Vcpu, 'reset' | 'run'>): Vcpu => ({
    index,
    inGuest: false,
    still: true,
    setIrq: () => undefined,
    setPaused: () => undefined,
    save: () => ({}),
    restore: async () => undefined,
    stop: async () => undefined,
    ...rest,
  });
  const vcpus = (host: VcpuHost) => [
    vcpu(0, {
      reset: () => undefined,
      run: () => {
        log.push(`start ${host.startVcpu(1, { argument: 7 })}`);
        return back(YIELD);
      },
    }),
    vcpu(1, {
      reset: ({ argument }) => {
        log.push(`reset ${argument}`);
        const one = deferred();
        resets.push(one);
        return one.promise;
      },
      run: () => {
        log.push('run');
        return back(turns++ % 2 === 0 ? YIELD : OFF);
      },
    }),
  ];
  const guest: Guest = {
    vcpus: 2,
    inline,
    initialSlice: false,
    interrupts: { line: () => ({ pulse: () => undefined, setLevel: () => undefined }) },
    exits: { counted: () => undefined, isInvalidating: () => false },
    directMaps: undefined,
    exitRequest: NO_EXIT_REQUEST,
    drainSleep: undefined,
    describe: () => undefined,
    start: async (host) => vcpus(host),
    safePoint: () => undefined,
    setExitRequest: () => undefined,
    reset: () => undefined,
  };
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 16, shared: true });
  const machine = new MachineCore({ name: 'slow', guest, memory, regions: [], devices: [] });
  await machine.boot();
  return { machine, log, resets };
}

describe.each([
  ['inline', true],
  ['on threads', false],
] as const)('a secondary vCPU %s whose reset takes time', (_, inline) => {
  it('is on at once, and runs when its reset is done', async () => {
    const { machine, log, resets } = await slowMachine(inline);
    expect([await machine.run(), await machine.run()]).toEqual(['running', 'running']);
    expect(log.splice(0)).toEqual(['reset 7', 'start 0', 'start -1']);
    expect(machine.idle).toBe(false);
    resets[0]?.resolve();
    // Off after two turns, so it can be started again.
    await vi.waitFor(async () => {
      await machine.run();
      expect(resets).toHaveLength(2);
    });
    expect(log.filter((entry) => entry === 'run')).toHaveLength(2);
    expect(machine.status).toBe('running');
  });

  it('fails its machine when its reset does', async () => {
    const { machine, resets } = await slowMachine(inline);
    await machine.run();
    resets[0]?.reject(new Error('it does not fit'));
    await vi.waitFor(() => expect(machine.status).toBe('failed'));
    expect(machine.error?.message).toBe('guest vCPU 1: it does not fit');
  });

  it('harms no machine that has been reset in the meantime', async () => {
    const { machine, log, resets } = await slowMachine(inline);
    await machine.run();
    await machine.run();
    await machine.reset();
    await machine.boot();
    await machine.run();
    log.length = 0;
    resets[0]?.reject(new Error('too late'));
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect([machine.status, log]).toEqual(['running', []]);
  });

  it('does not run in a machine that has been reset in the meantime', async () => {
    const { machine, log, resets } = await slowMachine(inline);
    await machine.run();
    await machine.reset();
    await machine.boot();
    resets[0]?.resolve();
    await new Promise((resolve) => setTimeout(resolve, 5));
    await machine.run();
    expect(log).not.toContain('run');
  });
});
