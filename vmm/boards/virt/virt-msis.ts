// SPDX-License-Identifier: MIT
// Targets of MSIs on the board `virt`: an ITS, a GICv2m frame, or none.

import type { MemoryRegion } from '../../../assembly/load.ts';
import type { MsiController, Placement } from '../../../devices/bus/index.ts';
import { GicIts, Gicv2mFrame, Gicv3, type Gicv3Options } from '../../../devices/gicv3/index.ts';
import { VIRT_ITS, VIRT_V2M, VIRT_V2M_SPI, VIRT_V2M_SPIS } from './virt-memory-map.ts';

/** Target of devices' MSIs. */
export type VirtMsi = 'its' | 'v2m' | 'none';

/** The GIC of a board, and its target of MSIs. */
export interface VirtGic {
  readonly gic: Gicv3;
  /** The controller's registers; undefined without one. */
  readonly msiDevice: Placement | undefined;
  readonly msis: MsiController | undefined;
}

const FIRST_SPI = 32;

/** @param ram where an ITS may have its tables. */
export function virtGic(
  msi: VirtMsi,
  options: Omit<Gicv3Options, 'lpiTables'>,
  ram: MemoryRegion,
): VirtGic {
  // Linux uses GICv2m frames only when there are no LPIs.
  const gic = new Gicv3(msi === 'its' ? { ...options, lpiTables: ram } : options);
  if (msi === 'its') {
    const device = new GicIts(options);
    return {
      gic,
      msiDevice: { device, addresses: [VIRT_ITS] },
      msis: device.msiController(VIRT_ITS),
    };
  }
  if (msi === 'none') return { gic, msiDevice: undefined, msis: undefined };
  const device = new Gicv2mFrame({ firstIntid: FIRST_SPI + VIRT_V2M_SPI, spis: VIRT_V2M_SPIS });
  return {
    gic,
    msiDevice: { device, addresses: [VIRT_V2M], firstIrq: VIRT_V2M_SPI },
    msis: device.msiController(VIRT_V2M),
  };
}
