// SPDX-License-Identifier: MIT
// A vCPU and its GICv3: the bit that means "check" is cleared only by the GIC, which
// checks again after that. Clearing it because of an outdated answer would lose a later
// interrupt.

import { beforeEach, describe, expect, it } from 'vitest';
import { ARM64_PENDING_IRQ } from '../../../../assembly/layout/arm64-state.ts';
import { ICC_IAR1_EL1, ICC_PMR_EL1 } from '../../../../assembly/layout/gic-registers.ts';
import type { Arm64Exports } from '../../../../assembly/load.ts';
import { Arm64Block } from '../../../../vmm/vcpu/arm64/arm64-block.ts';
import type { CpuInterface } from '../../../../vmm/vcpu/arm64/arm64-board.ts';
import { Arm64Cpu } from '../../../../vmm/vcpu/arm64/arm64-cpu.ts';
import { GicHarness } from '../../../devices/gicv3/gic-harness.ts';

const INTID = 40;

let gic: GicHarness;
let cpu: Arm64Cpu;
/** Another thread's action once the GIC has answered. */
let meanwhile: () => void;

beforeEach(() => {
  gic = new GicHarness().boot();
  gic.enable(INTID, 'edge');
  meanwhile = () => undefined;
  const { device } = gic;
  const after = <Answer>(answer: Answer): Answer => {
    meanwhile();
    return answer;
  };
  const interrupts: CpuInterface = {
    connect: (vcpu, pendingAt, limitAt) => device.connect(vcpu, pendingAt, limitAt),
    irqAsserted: (vcpu) => after(device.irqAsserted(vcpu)),
    setPrivateLine: (vcpu, intid, asserted) => device.setPrivateLine(vcpu, intid, asserted),
    readInterface: (vcpu, register) => device.readInterface(vcpu, register),
    writeInterface: (vcpu, register, value) => device.writeInterface(vcpu, register, value),
  };
  // A wrapper of the GIC; of the CPU's functions only this one is called.
  const exports = { reset: () => undefined } as unknown as Arm64Exports;
  cpu = new Arm64Cpu({ index: 0, block: new Arm64Block(gic.memory, 0), exports, interrupts });
  cpu.start({ pc: 0n, x0: 0n }, 0n);
});

const isPending = () => (cpu.block.pending & ARM64_PENDING_IRQ) !== 0;

describe('the IRQ input', () => {
  it.each<[string, () => void]>([
    ['a look at its timers', () => cpu.updateTimers(0n)],
    ['an access of the CPU interface', () => cpu.register(ICC_PMR_EL1, false)],
  ])('keeps an interrupt that comes just after %s', (_what, look) => {
    meanwhile = () => gic.pulse(INTID);
    look();
    expect(isPending()).toBe(true);
    meanwhile = () => undefined;
    expect(cpu.isInterrupted).toBe(true);
  });

  it('is asserted until the interrupt is acknowledged, with or without a notification', () => {
    gic.pulse(INTID);
    cpu.block.setIrq(false);
    cpu.updateIrq();
    expect(isPending()).toBe(true);
    cpu.register(ICC_IAR1_EL1, false);
    expect([cpu.block.mmioValue, isPending()]).toEqual([BigInt(INTID), false]);
  });

  it('is cleared with the interrupt', () => {
    gic.pulse(INTID);
    expect(isPending()).toBe(true);
    gic.setGicd(0x180 + 4 * (INTID >> 5), 1 << (INTID & 31));
    cpu.updateIrq();
    expect(isPending()).toBe(false);
  });
});
