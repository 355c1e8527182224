// SPDX-License-Identifier: MIT
// The registers of distributor and SGI frame that have a bit or field for each interrupt,
// at the same offsets in both (IHI 0069 sections 12.9 and 12.11). A bank covers the
// INTIDs from `first` up to, and without, `end`: the SPIs, or the SGIs and PPIs of one
// vCPU. Registers and bits of other INTIDs are RAZ/WI.

import {
  GIC_INT_ACTIVE,
  GIC_INT_EDGE,
  GIC_INT_ENABLED,
  GIC_INT_GROUP1,
  GIC_INT_LATCH,
  GIC_INT_PRIORITY,
  GIC_INT_PRIORITY_SHIFT,
  GIC_SGIS,
} from '../layout/gic-memory';
import {
  GIC_ICENABLER,
  GIC_ICFGR,
  GIC_ICPENDR,
  GIC_IGROUPR,
  GIC_IPRIORITYR,
  GIC_ISACTIVER,
  GIC_ISENABLER,
  GIC_ISPENDR,
  GIC_PRIORITY_BITS,
} from '../layout/gic-registers';
import { change, changeGroup, isPending, priorityOf, wordAt } from './interrupt';

/** Bytes of a bank with one bit per INTID. */
const BIT_BANK = 0x80;
const PRIORITY_BANK_END = GIC_IPRIORITYR + 0x400;
const ICFGR_END = GIC_ICFGR + 0x100;

/** Whether a 32-bit register at this offset belongs to a bank. */
export function isBanked(offset: i32): bool {
  return offset >= GIC_IGROUPR && offset < ICFGR_END;
}

/** The value of an interrupt's bit in a bank. */
function bitOf(bank: i32, word: u32): bool {
  switch (bank) {
    case GIC_IGROUPR:
      return (word & GIC_INT_GROUP1) != 0;
    case GIC_ISENABLER:
    case GIC_ICENABLER:
      return (word & GIC_INT_ENABLED) != 0;
    case GIC_ISPENDR:
    case GIC_ICPENDR:
      return isPending(word);
    default:
      return (word & GIC_INT_ACTIVE) != 0;
  }
}

/** Applies a write to an interrupt's bit in a bank. */
function writeBit(gic: usize, bank: i32, at: usize, intid: i32, bit: bool): void {
  if (bank == GIC_IGROUPR) {
    changeGroup(gic, at, intid, bit ? 0 : GIC_INT_GROUP1, bit ? GIC_INT_GROUP1 : 0);
    return;
  }
  if (!bit) return;
  switch (bank) {
    case GIC_ISENABLER:
      change(gic, at, intid, 0, GIC_INT_ENABLED);
      return;
    case GIC_ICENABLER:
      change(gic, at, intid, GIC_INT_ENABLED, 0);
      return;
    case GIC_ISPENDR:
      change(gic, at, intid, 0, GIC_INT_LATCH);
      return;
    case GIC_ICPENDR:
      change(gic, at, intid, GIC_INT_LATCH, 0);
      return;
    case GIC_ISACTIVER:
      change(gic, at, intid, 0, GIC_INT_ACTIVE);
      return;
    default:
      change(gic, at, intid, GIC_INT_ACTIVE, 0);
  }
}

function bitBank(offset: i32): i32 {
  return offset & ~(BIT_BANK - 1);
}

/** Reads 32 bits of a bank. */
export function readBank(gic: usize, vcpu: i32, first: i32, end: i32, offset: i32): u32 {
  let value: u32 = 0;
  if (offset < GIC_IPRIORITYR) {
    const bank = bitBank(offset);
    const base = (offset & (BIT_BANK - 4)) << 3;
    for (let i: i32 = 0; i < 32; i++) {
      const intid = base + i;
      if (intid < first || intid >= end) continue;
      if (bitOf(bank, atomic.load<u32>(wordAt(gic, vcpu, intid)))) value |= 1 << i;
    }
  } else if (offset < PRIORITY_BANK_END) {
    for (let i: i32 = 0; i < 4; i++) {
      const intid = offset - GIC_IPRIORITYR + i;
      if (intid < first || intid >= end) continue;
      value |= priorityOf(atomic.load<u32>(wordAt(gic, vcpu, intid))) << (i << 3);
    }
  } else if (offset >= GIC_ICFGR) {
    const base = (offset - GIC_ICFGR) << 2;
    for (let i: i32 = 0; i < 16; i++) {
      const intid = base + i;
      if (intid < first || intid >= end) continue;
      if ((atomic.load<u32>(wordAt(gic, vcpu, intid)) & GIC_INT_EDGE) != 0) value |= 2 << (i << 1);
    }
  }
  return value;
}

/**
 * Writes one byte of GICD_IPRIORITYR or GICR_IPRIORITYR, whose low three bits are not
 * implemented.
 */
export function writePriority(
  gic: usize,
  vcpu: i32,
  first: i32,
  end: i32,
  intid: i32,
  value: u32,
): void {
  if (intid < first || intid >= end) return;
  const priority = (value & GIC_PRIORITY_BITS) << GIC_INT_PRIORITY_SHIFT;
  change(gic, wordAt(gic, vcpu, intid), intid, GIC_INT_PRIORITY, priority);
}

/** Writes 32 bits of a bank. */
export function writeBank(
  gic: usize,
  vcpu: i32,
  first: i32,
  end: i32,
  offset: i32,
  value: u32,
): void {
  if (offset < GIC_IPRIORITYR) {
    const bank = bitBank(offset);
    const base = (offset & (BIT_BANK - 4)) << 3;
    for (let i: i32 = 0; i < 32; i++) {
      const intid = base + i;
      if (intid < first || intid >= end) continue;
      writeBit(gic, bank, wordAt(gic, vcpu, intid), intid, ((value >> i) & 1) != 0);
    }
  } else if (offset < PRIORITY_BANK_END) {
    for (let i: i32 = 0; i < 4; i++)
      writePriority(gic, vcpu, first, end, offset - GIC_IPRIORITYR + i, value >> (i << 3));
  } else if (offset >= GIC_ICFGR) {
    const base = (offset - GIC_ICFGR) << 2;
    for (let i: i32 = 0; i < 16; i++) {
      const intid = base + i;
      // SGIs are always edge-triggered.
      if (intid < first || intid >= end || intid < GIC_SGIS) continue;
      const edge: u32 = ((value >> (i << 1)) & 2) != 0 ? GIC_INT_EDGE : 0;
      change(gic, wordAt(gic, vcpu, intid), intid, GIC_INT_EDGE & ~edge, edge);
    }
  }
}
