// SPDX-License-Identifier: MIT
// The PCI Express capability (PCIe 5.0, section 7.5.3).

import type { CapabilitySpec, ConfigurationSpace } from './configuration-space.ts';
import {
  EXPRESS_DEVICE_CAPABILITIES,
  EXPRESS_DEVICE_CAPABILITIES_2,
  EXPRESS_DEVICE_CONTROL,
  EXPRESS_LINK_CAPABILITIES,
  EXPRESS_LINK_CONTROL,
  EXPRESS_SIZE,
  PCI_CAP_EXPRESS,
} from './pcie-registers.ts';

export const EXPRESS = 'EXPRESS';

/** Version of the capability, in bits [19:16] of its first word. */
const VERSION_2 = 0x2_0000;
const TYPE_SHIFT = 20;
const ROLE_BASED_ERRORS = 0x8000;
const FLR_CAPABLE = 0x1000_0000;
/** Relaxed ordering, no snoop, read requests of 512 bytes. */
const DEVICE_CONTROL_RESET = 0x2810;
/** The remaining bits: error reports, payload size. Not Initiate Function Level Reset. */
const DEVICE_CONTROL_WRITABLE = 0x78ff;
/** A PASID is one TLP prefix. Linux requires this bit for PASID. */
const END_TO_END_PREFIX = 0x0060_0000;
/** 2.5 GT/s and one lane, both as capability and as status. */
const LINK = 0x11;

/** @param hasPrefixes its TLPs may carry a PASID. */
export function expressCapability(hasFlr: boolean, hasPrefixes: boolean): CapabilitySpec {
  return {
    name: EXPRESS,
    id: PCI_CAP_EXPRESS,
    size: EXPRESS_SIZE,
    reset: VERSION_2,
    registers: [
      {
        name: 'DEVICE_CAPABILITIES',
        offset: EXPRESS_DEVICE_CAPABILITIES,
        reset: ROLE_BASED_ERRORS + (hasFlr ? FLR_CAPABLE : 0),
      },
      {
        name: 'DEVICE_CONTROL',
        offset: EXPRESS_DEVICE_CONTROL,
        reset: DEVICE_CONTROL_RESET,
        writable: DEVICE_CONTROL_WRITABLE,
      },
      { name: 'LINK_CAPABILITIES', offset: EXPRESS_LINK_CAPABILITIES },
      { name: 'LINK_CONTROL', offset: EXPRESS_LINK_CONTROL },
      {
        name: 'DEVICE_CAPABILITIES_2',
        offset: EXPRESS_DEVICE_CAPABILITIES_2,
        reset: hasPrefixes ? END_TO_END_PREFIX : 0,
      },
    ],
  };
}

/**
 * Sets the fields of the capability that depend on the function's place.
 * @param type EXPRESS_TYPE_*.
 * @param hasLink the function is one end of a link.
 */
export function placeExpress(config: ConfigurationSpace, type: number, hasLink: boolean): void {
  const at = config.offsetOf(EXPRESS);
  config.setBits(at, 0xf << TYPE_SHIFT, false);
  config.setBits(at, type << TYPE_SHIFT, true);
  config.setBits(at + EXPRESS_LINK_CAPABILITIES, LINK, hasLink);
  config.setBits(at + EXPRESS_LINK_CONTROL, LINK << 16, hasLink);
}
