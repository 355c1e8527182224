// SPDX-License-Identifier: MIT
// A machine is saved between two instructions and restored as another one, which
// continues like the first one: with the same output, at the same counts, to the same
// state.

import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ARM64_COUNT, ARM64_VCPU_SIZE } from '../../../../assembly/layout/arm64-state.ts';
import { loadArm64, loadGicv3 } from '../../../../assembly/load.ts';
import { Gicv3, gicBlockSize } from '../../../../devices/gicv3/index.ts';
import { Pl011 } from '../../../../devices/pl011/index.ts';
import { Pl031 } from '../../../../devices/pl031/index.ts';
import { affinityOf } from '../../../../vmm/boards/virt/affinity.ts';
import { psciHypercalls } from '../../../../vmm/boards/virt/psci-hypercalls.ts';
import {
  placed,
  VIRT_GICD,
  VIRT_GICR,
  VIRT_SPIS,
  virtRam,
} from '../../../../vmm/boards/virt/virt-memory-map.ts';
import { MachineCore } from '../../../../vmm/machine/index.ts';
import { Arm64Guest, createArm64Memory } from '../../../../vmm/vcpu/arm64/index.ts';
import type { Vcpu, VcpuHost } from '../../../../vmm/vcpu/index.ts';
import { Random } from '../../../arm64/sequences.ts';
import { POWER, SGIS, STARVE, STREAMS } from '../../boards/virt/several-vcpu-programs.ts';
import { COUNTERS, lock } from '../../boards/virt/shared-memory-programs.ts';
import { timer } from '../../boards/virt/virt-programs.ts';

/** Instructions of a budget of 1. */
const BUDGET = 0x100000;
const ENTRY = 0x40200000;

/** A guest whose vCPUs the test can access. */
class OpenGuest extends Arm64Guest {
  turns: Vcpu | undefined;

  override async start(host: VcpuHost, signal: AbortSignal): Promise<readonly Vcpu[]> {
    const vcpus = await super.start(host, signal);
    [this.turns] = vcpus;
    return vcpus;
  }
}

/**
 * A machine at the first instruction of a program, with interrupt controller, UART and
 * clock.
 */
async function machineOf(program: Uint8Array, vcpus: number) {
  const memory = createArm64Memory(vcpus, virtRam(0x1000000), gicBlockSize(vcpus));
  const [module, gicModule] = await Promise.all([loadArm64(), loadGicv3()]);
  const gic = new Gicv3({
    module: gicModule,
    memory: memory.memory,
    at: memory.board,
    vcpus,
    spis: VIRT_SPIS,
  });
  let printed = '';
  const uart = new Pl011({
    onOutput: (bytes) => {
      printed += String.fromCharCode(...bytes);
    },
  });
  const rtc = new Pl031({ epoch: 1_000_000_000 });
  const guest: OpenGuest = new OpenGuest({
    module,
    memory,
    affinityOf,
    board: {
      interrupts: gic,
      hypercall: psciHypercalls(
        memory,
        () => guest,
        () => guest.restart(),
      ),
    },
    program: {
      segments: [{ gpa: ENTRY, bytes: program }],
      entry: { pc: BigInt(ENTRY), x0: 0n },
    },
  });
  const machine = new MachineCore({
    name: 'vm',
    guest,
    memory: memory.memory,
    regions: [memory.ram],
    clock: guest.clock,
    devices: [
      { device: gic, addresses: [VIRT_GICD, VIRT_GICR] },
      placed('uart', uart),
      placed('rtc', rtc),
    ],
  });
  await machine.boot();
  const turns = guest.turns as Vcpu;
  const { buffer } = memory.memory;
  const ram = new Uint8Array(buffer, memory.ram.offset, memory.ram.size);
  const counts = () =>
    Array.from({ length: vcpus }, (_, vcpu) =>
      new DataView(buffer).getBigUint64(memory.cpus + vcpu * ARM64_VCPU_SIZE + ARM64_COUNT, true),
    );
  const devices = [gic, uart, rtc];
  return {
    /** Executes a number of instructions, of all vCPUs together. */
    run: (instructions: number) => machine.step(instructions / BUDGET),
    /** Its output since it was created, and its whole state. */
    outcome: () => ({
      printed,
      status: machine.status,
      counts: counts(),
      nowNs: guest.clock.nowNs(),
      devices: devices.map((device) => device.save()),
      ram: createHash('sha256').update(ram).digest('hex'),
    }),
    save: () => ({
      text: JSON.stringify({ vcpus: turns.save(), devices: devices.map((one) => one.save()) }),
      ram: ram.slice(),
    }),
    async restore(saved: { readonly text: string; readonly ram: Uint8Array }) {
      const state = JSON.parse(saved.text);
      await turns.restore(state.vcpus);
      devices.forEach((device, i) => {
        device.restore(state.devices[i]);
      });
      ram.set(saved.ram);
    },
    turns,
  };
}

// Program, vCPUs, and the number of instructions before it ends, of all vCPUs together.
const PROGRAMS: readonly (readonly [string, Uint8Array, number, number])[] = [
  ['counters', COUNTERS, 4, 800_000],
  ['a lock that is waited for by WFE', lock('wfe'), 4, 1_100_000],
  ['SGIs', SGIS, 4, 60_000],
  ['sleep beside vCPUs that spin', STARVE, 4, 1_200_000],
  ['WFEs that interrupt turns', STREAMS, 4, 2_500_000],
  ['vCPUs that PSCI starts and stops', POWER, 2, 100_000],
  ['a timer, asleep', timer('asleep'), 1, 35],
];

describe('a machine that is saved at any instruction', () => {
  it.each(PROGRAMS)('continues as another one: %s', async (_name, program, vcpus, most) => {
    const random = new Random(most);
    for (let i = 0; i < 4; i++) {
      const first = await machineOf(program, vcpus);
      const point = random.below(most);
      first.run(point);
      const before = first.outcome();
      expect([point, before.status]).toEqual([point, 'running']);
      const saved = first.save();
      const other = await machineOf(program, vcpus);
      // It is in another state.
      other.run(Math.floor(point / 2));
      const { printed } = other.outcome();
      await other.restore(saved);
      for (const machine of [first, other])
        for (let turn = 0; turn < 4; turn++) machine.run(2 * BUDGET);
      const [end, otherEnd] = [first.outcome(), other.outcome()];
      expect(end.status).toBe('off');
      expect({
        ...otherEnd,
        printed: before.printed + otherEnd.printed.slice(printed.length),
      }).toEqual(end);
    }
  });
});

describe('a state', () => {
  it('that is invalid is refused', async () => {
    const { turns } = await machineOf(lock('wfe'), 2);
    const state = turns.save();
    const changes = [
      { kind: 'wasm' },
      { vcpus: 4 },
      { turn: 2 },
      { current: 2 },
      { woken: '0,0' },
      { woken: '2' },
      { isOver: 'no' },
      { left: '1' },
      { left: '1,x' },
      { left: '1,999999' },
      { on1: 'yes' },
      { wait0: 'rain' },
      { until0: '1e9' },
      { block1: 'ab' },
      { block1: String(state.block1).replace(/^./, 'g') },
    ];
    for (const change of changes)
      await expect(
        turns.restore({ ...state, ...change }),
        JSON.stringify(change).slice(0, 40),
      ).rejects.toThrow(TypeError);
    await turns.restore(state);
  });
});
