// SPDX-License-Identifier: MIT
// MSIs in an emulated PC: writes to the address range of the local APICs. v86 has no
// interface to raise a vector; each becomes the IRQ that has the vector in the guest's
// own tables.

import type { MsiController } from '../../devices/bus/index.ts';
import { checkInteger } from '../../devices/plugin/known-values.ts';
import { irqLine, V86_IRQS, type V86Cpu } from './emulator.ts';

/** Address range of a PC's MSIs: the destination's APIC ID is in address bits [19:12]. */
export const V86_MSI = { gpa: 0xfee00000, size: 0x100000 } as const;

/** RH and DM in an address: the destination is a mask of logical APIC IDs. */
const LOGICAL = 0xc;
const BROADCAST = 0xff;
/**
 * Delivery modes: 0 fixed, 1 lowest priority; higher ones (SMI, NMI, INIT, ExtINT) have
 * no vector.
 */
const LOWEST_PRIORITY = 1;

/**
 * True when the address targets the one CPU, whose APIC ID is 0 and whose logical one is
 * 1.
 */
function meansCpu0(address: number): boolean {
  const destination = (address >>> 12) & 0xff;
  if (destination === BROADCAST) return true;
  return (address & LOGICAL) === LOGICAL ? (destination & 1) !== 0 : destination === 0;
}

/**
 * The PC's interrupt controller for the devices' MSIs.
 * @param irqs IRQs of the emulator by the vectors that the guest has assigned to them; an
 *   MSI with another vector is ignored.
 * @throws {TypeError} when it is not a Map of numbers.
 * @throws {RangeError} when a vector or an IRQ is out of range.
 */
export function v86MsiController(cpu: V86Cpu, irqs: ReadonlyMap<number, number>): MsiController {
  if (!(irqs instanceof Map)) throw new TypeError('msiVectors must be a Map from vectors to IRQs');
  for (const [vector, irq] of irqs) {
    checkInteger(vector, 0, 0xff, 'msiVectors: a vector');
    checkInteger(irq, 0, V86_IRQS - 1, `msiVectors: the IRQ of vector ${vector}`);
  }
  return {
    doorbells: [V86_MSI],
    send(_requesterId, address, data) {
      const irq = irqs.get(data & 0xff);
      if (irq === undefined || ((data >>> 8) & 7) > LOWEST_PRIORITY || !meansCpu0(address))
        return false;
      irqLine(cpu, irq).pulse();
      return true;
    },
  };
}
