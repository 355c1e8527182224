// SPDX-License-Identifier: MIT
// Linux's tegra241-cmdqv on the registers, in its order (docs/cmdqv.md): reset of the
// hardware and bring-up of VINTF 0. Offsets are literal: this is the driver's side of the
// interface.

import type { Registers } from './driver-platform.ts';

function poll(bus: Registers, offset: number, wanted: number, what: string): void {
  if ((bus.read32(offset) & 1) !== wanted)
    throw new Error(`failed to ${wanted ? 'enable' : 'disable'} ${what}`);
}

/**
 * tegra241_vcmdq_hw_deinit: stops an LVCMDQ of VINTF 0 and clears it, whether or not it
 * is allocated. Returns the errors that it warned of.
 * @param flush tegra241_vcmdq_hw_flush_timeout: two CMD_SYNCs on the SMMU's own queue,
 *   after any ATC_INV left in the VCMDQ.
 */
export function deinitLvcmdq(bus: Registers, lvcmdq: number, flush?: () => void): number {
  const page0 = 0x30000 + 0x80 * lvcmdq;
  const page1 = 0x40000 + 0x80 * lvcmdq;
  bus.write32(page0 + 0x08, 0);
  poll(bus, page0 + 0x0c, 0, `LVCMDQ ${lvcmdq}`);
  flush?.();
  bus.write32(page0 + 0x04, 0);
  bus.write32(page0 + 0x00, 0);
  bus.write64(page1 + 0x00, 0n);
  bus.write64(page1 + 0x08, 0n);
  const gerrorn = bus.read32(page0 + 0x14);
  const gerror = bus.read32(page0 + 0x10);
  if (gerror !== gerrorn) bus.write32(page0 + 0x14, gerror);
  return gerror ^ gerrorn;
}

/** tegra241_vintf_hw_deinit: VINTF 0 off, highest LVCMDQ first. */
export function deinitVintf0(bus: Registers, flush?: () => void): void {
  const lvcmdqs = lvcmdqsOf(bus);
  for (let lvcmdq = lvcmdqs - 1; lvcmdq >= 0; lvcmdq--) {
    deinitLvcmdq(bus, lvcmdq, flush);
    bus.write32(0x0200 + 4 * lvcmdq, bus.read32(0x0200 + 4 * lvcmdq) & ~1);
  }
  bus.write32(0x1000, 0);
  poll(bus, 0x1004, 0, 'VINTF 0');
  for (let slot = 0; slot < 16; slot++) {
    bus.write32(0x1040 + 4 * slot, 0);
    bus.write32(0x1080 + 4 * slot, 0);
  }
}

/** LVCMDQs of each VINTF. */
export function lvcmdqsOf(bus: Registers): number {
  const param = bus.read32(0x0004);
  return 2 ** (((param >>> 4) & 0xf) - ((param >>> 8) & 0xf));
}

/**
 * tegra241_cmdqv_hw_reset; `bases` are the BASE images of VINTF 0's queues. Returns
 * whether the VINTF is hypervisor-owned.
 */
export function resetHardware(
  bus: Registers,
  bases: readonly bigint[],
  flush?: () => void,
): boolean {
  const config = bus.read32(0x0000);
  bus.write32(0x0000, config & ~1);
  poll(bus, 0x0008, 0, 'CMDQV');
  bus.write32(0x0000, config | 1);
  poll(bus, 0x0008, 1, 'CMDQV');
  const lvcmdqs = lvcmdqsOf(bus);
  const vintfs = 2 ** ((bus.read32(0x0004) >>> 8) & 0xf);
  for (let vintf = 0, vcmdq = 0; vintf < vintfs; vintf++) {
    for (let lvcmdq = 0; lvcmdq < lvcmdqs; lvcmdq++)
      bus.write32(0x0200 + 4 * vcmdq++, (vintf << 15) | (lvcmdq << 1));
  }
  deinitVintf0(bus, flush);
  bus.write32(0x1000, 1 << 17);
  bus.write32(0x1000, bus.read32(0x1000) | 1);
  poll(bus, 0x1004, 1, 'VINTF 0');
  const hypOwn = (bus.read32(0x1000) >>> 17) & 1;
  for (let lvcmdq = 0; lvcmdq < lvcmdqs; lvcmdq++) {
    bus.write32(0x0200 + 4 * lvcmdq, bus.read32(0x0200 + 4 * lvcmdq) | 1);
    deinitLvcmdq(bus, lvcmdq, flush);
    bus.write64(0x40000 + 0x80 * lvcmdq, bases[lvcmdq] ?? 0n);
    bus.write32(0x30008 + 0x80 * lvcmdq, 1);
    poll(bus, 0x3000c + 0x80 * lvcmdq, 1, `LVCMDQ ${lvcmdq}`);
  }
  return hypOwn === 1;
}
