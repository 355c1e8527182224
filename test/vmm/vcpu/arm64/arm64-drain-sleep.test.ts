// SPDX-License-Identifier: MIT
// What arm64 vCPUs report to a drain that sleeps on its own thread.

import { afterEach, describe, expect, it } from 'vitest';
import { ARM64_VCPU_SIZE } from '../../../../assembly/layout/arm64-state.ts';
import { Host, type Machine, virtBoard } from '../../../../vmm/api/index.ts';
import { PARTS } from '../../../../vmm/api/machine-parts.ts';
import { AwakeVcpu, arm64DrainSleep } from '../../../../vmm/vcpu/arm64/arm64-drain-sleep.ts';
import { AWAITS_INPUT, BUSY } from '../../boards/virt/virt-programs.ts';

let host: Host | undefined;
afterEach(() => host?.destroy());

const CPUS = ARM64_VCPU_SIZE;

function memoryOf(vcpus: number) {
  const pages = (CPUS + vcpus * ARM64_VCPU_SIZE) / 0x10000;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  return { memory, cpus: CPUS, words: new Int32Array(memory.buffer) };
}

describe('an arm64 vCPU', () => {
  it('announces that it is awake, and wakes a drain that sleeps, once', () => {
    const memory = memoryOf(2);
    const { words } = memory;
    const { sleeping, wake, awake } = arm64DrainSleep({ cpus: CPUS, vcpus: 2 });
    const state = () => [
      ...[0, 1].map((vcpu) => words[((awake?.offset ?? 0) + vcpu * (awake?.stride ?? 0)) >> 2]),
      words[sleeping >> 2],
      words[wake >> 2],
    ];
    const second = new AwakeVcpu(memory, 1);
    second.set(true);
    expect(state()).toEqual([0, 1, 0, 0]);
    words[sleeping >> 2] = 1;
    second.set(false);
    expect(state()).toEqual([0, 0, 1, 0]);
    second.set(true);
    second.set(true);
    expect(state()).toEqual([0, 1, 0, 1]);
    new AwakeVcpu(memory, 0).set(true);
    expect(state()).toEqual([1, 1, 0, 1]);
  });
});

describe('vCPUs that take turns', () => {
  async function create(guest: Uint8Array<ArrayBuffer>) {
    host = await Host.create();
    const board = virtBoard({ sleep: 'wait' });
    const machine = await host.createMachine({ guest, board, vcpus: 2, memory: 16 });
    await machine.boot({ paused: true });
    return { machine, words: wordsOf(machine) };
  }

  function wordsOf(machine: Machine) {
    const { machine: core } = PARTS.get(machine)?.board ?? {};
    const drainSleep = core?.drainSleep;
    if (!core || !drainSleep?.awake) throw new Error('its vCPUs say nothing');
    const words = new Int32Array(core.memory.buffer);
    const at = (offset: number) => offset >> 2;
    return {
      awake: () => words[at(drainSleep.awake?.offset ?? 0)],
      sleeping: () => words[at(drainSleep.sleeping)],
      sleep: () => {
        words[at(drainSleep.sleeping)] = 1;
      },
    };
  }

  it('are awake until all of them wait, and again when one continues', async () => {
    const { machine, words } = await create(AWAITS_INPUT);
    for (let turn = 0; turn < 100 && !machine.idle; turn++) await machine.step();
    expect([machine.idle, words.awake()]).toEqual([true, 0]);
    words.sleep();
    await machine.step();
    expect([words.awake(), words.sleeping()]).toEqual([0, 1]);
    machine.write('W');
    await machine.step();
    expect(words.sleeping()).toBe(0);
  });

  it('are awake while the machine runs, not while it is paused; a reset leaves a drain asleep', async () => {
    const { machine, words } = await create(BUSY);
    machine.resume();
    while (words.awake() !== 1) await new Promise((resolve) => setTimeout(resolve, 1));
    await machine.pause();
    expect(words.awake()).toBe(0);
    words.sleep();
    await machine.reset();
    expect([words.awake(), words.sleeping()]).toEqual([0, 1]);
    await machine.boot({ paused: true });
    await machine.step();
    expect(words.sleeping()).toBe(0);
  });
});
