// SPDX-License-Identifier: MIT
// The registers of a redistributor for LPIs (IHI 0069 section 12.10).

import {
  GIC_AT_LPIS,
  GIC_CPU_LPIS_ENABLED,
  GIC_CPU_PENDBASER,
  GIC_CPU_PROPBASER,
} from '../layout/gic-memory';
import {
  GICR_CTLR,
  GICR_CTLR_ENABLE_LPIS,
  GICR_PENDBASER,
  GICR_PENDBASER_HI,
  GICR_PENDBASER_LO,
  GICR_PENDBASER_PTZ,
  GICR_PROPBASER,
  GICR_PROPBASER_HI,
  GICR_PROPBASER_LO,
} from '../layout/gic-registers';
import { cpuBlock } from './interrupt';
import { enableLpis, takesLpis } from './lpis';

/** Reads 32 bits; 0 for other registers. */
export function readLpiRegister(gic: usize, vcpu: i32, offset: i32): u32 {
  const cpu = cpuBlock(gic, vcpu);
  switch (offset) {
    case GICR_CTLR:
      return atomic.load<u32>(cpu, GIC_CPU_LPIS_ENABLED);
    case GICR_PROPBASER:
      return load<u32>(cpu, GIC_CPU_PROPBASER);
    case GICR_PROPBASER + 4:
      return load<u32>(cpu, GIC_CPU_PROPBASER + 4);
    case GICR_PENDBASER:
      return load<u32>(cpu, GIC_CPU_PENDBASER);
    case GICR_PENDBASER + 4:
      return load<u32>(cpu, GIC_CPU_PENDBASER + 4) & ~GICR_PENDBASER_PTZ;
    default:
      return 0;
  }
}

/** Writes 32 bits. While LPIs are enabled the table addresses do not change. */
export function writeLpiRegister(gic: usize, vcpu: i32, offset: i32, value: u32): void {
  if (load<u32>(gic, GIC_AT_LPIS) == 0) return;
  if (offset == GICR_CTLR) {
    enableLpis(gic, vcpu, (value & GICR_CTLR_ENABLE_LPIS) != 0);
    return;
  }
  if (takesLpis(gic, vcpu)) return;
  const cpu = cpuBlock(gic, vcpu);
  switch (offset) {
    case GICR_PROPBASER:
      store<u32>(cpu, value & GICR_PROPBASER_LO, GIC_CPU_PROPBASER);
      return;
    case GICR_PROPBASER + 4:
      store<u32>(cpu, value & GICR_PROPBASER_HI, GIC_CPU_PROPBASER + 4);
      return;
    case GICR_PENDBASER:
      store<u32>(cpu, value & GICR_PENDBASER_LO, GIC_CPU_PENDBASER);
      return;
    case GICR_PENDBASER + 4:
      store<u32>(cpu, value & GICR_PENDBASER_HI, GIC_CPU_PENDBASER + 4);
  }
}
