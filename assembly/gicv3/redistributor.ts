// SPDX-License-Identifier: MIT
// The redistributor of a vCPU (IHI 0069 sections 12.10 and 12.11): RD frame and SGI
// frame.

import { GIC_AT_LPIS, GIC_AT_VCPUS, GIC_CPU_WAKER, GIC_PRIVATE_INTIDS } from '../layout/gic-memory';
import {
  GIC_IDENTIFICATION,
  GIC_IIDR_VALUE,
  GIC_IPRIORITYR,
  GICR_IIDR,
  GICR_SGI_FRAME,
  GICR_TYPER,
  GICR_TYPER_LAST,
  GICR_TYPER_PLPIS,
  GICR_TYPER_PROCESSOR_SHIFT,
  GICR_WAKER,
  GICR_WAKER_CHILDREN_ASLEEP,
  GICR_WAKER_PROCESSOR_SLEEP,
} from '../layout/gic-registers';
import { isBanked, readBank, writeBank, writePriority } from './banks';
import { readIdentification } from './distributor';
import { cpuBlock } from './interrupt';
import { readLpiRegister, writeLpiRegister } from './lpi-registers';

function readTyper(gic: usize, vcpu: i32): u32 {
  const last: u32 = vcpu + 1 == load<i32>(gic, GIC_AT_VCPUS) ? GICR_TYPER_LAST : 0;
  const lpis: u32 = load<u32>(gic, GIC_AT_LPIS) != 0 ? GICR_TYPER_PLPIS : 0;
  return lpis | last | (vcpu << GICR_TYPER_PROCESSOR_SHIFT);
}

/**
 * GICR_WAKER. ChildrenAsleep always equals ProcessorSleep: there is nothing to quiesce.
 */
function readWaker(gic: usize, vcpu: i32): u32 {
  const sleep = atomic.load<u32>(cpuBlock(gic, vcpu), GIC_CPU_WAKER);
  return sleep != 0 ? GICR_WAKER_PROCESSOR_SLEEP | GICR_WAKER_CHILDREN_ASLEEP : 0;
}

/** Reads 32 bits of the redistributor of `vcpu`. */
export function readRedistributor(gic: usize, vcpu: i32, offset: i32): u32 {
  if (offset >= GICR_SGI_FRAME) {
    const own = offset - GICR_SGI_FRAME;
    return isBanked(own) ? readBank(gic, vcpu, 0, GIC_PRIVATE_INTIDS, own) : 0;
  }
  switch (offset) {
    case GICR_IIDR:
      return GIC_IIDR_VALUE;
    case GICR_TYPER:
      return readTyper(gic, vcpu);
    case GICR_TYPER + 4:
      return ((vcpu >> 4) << 8) | (vcpu & 0xf);
    case GICR_WAKER:
      return readWaker(gic, vcpu);
    default:
      return offset < GIC_IDENTIFICATION
        ? readLpiRegister(gic, vcpu, offset)
        : readIdentification(offset);
  }
}

/** Writes 32 bits of the redistributor of `vcpu`. */
export function writeRedistributor(gic: usize, vcpu: i32, offset: i32, value: u32): void {
  if (offset >= GICR_SGI_FRAME) {
    const own = offset - GICR_SGI_FRAME;
    if (isBanked(own)) writeBank(gic, vcpu, 0, GIC_PRIVATE_INTIDS, own, value);
  } else if (offset == GICR_WAKER) {
    atomic.store<u32>(cpuBlock(gic, vcpu), value & GICR_WAKER_PROCESSOR_SLEEP, GIC_CPU_WAKER);
  } else {
    writeLpiRegister(gic, vcpu, offset, value);
  }
}

/** Writes one byte, which only priorities accept. */
export function writeRedistributor8(gic: usize, vcpu: i32, offset: i32, value: u32): void {
  if (offset < GICR_SGI_FRAME + GIC_IPRIORITYR) return;
  const intid = offset - GICR_SGI_FRAME - GIC_IPRIORITYR;
  writePriority(gic, vcpu, 0, GIC_PRIVATE_INTIDS, intid, value);
}
