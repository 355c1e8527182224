// SPDX-License-Identifier: MIT
// Registers of an AMD IOMMU, of the host's and of a guest's, and the decoding of its
// buffers' base registers.

import {
  AMD_BASE_LENGTH,
  AMD_COMMAND_BASE,
  AMD_CONTROL,
  AMD_CONTROL_CMD_BUF_EN,
  AMD_CONTROL_COM_WAIT_INT_EN,
  AMD_CONTROL_EVENT_INT_EN,
  AMD_CONTROL_EVENT_LOG_EN,
  AMD_CONTROL_IOMMU_EN,
  AMD_CONTROL_PPR_EN,
  AMD_CONTROL_PPR_INT_EN,
  AMD_CONTROL_PPR_LOG_EN,
  AMD_DEVICE_TABLE_BASE,
  AMD_DEVICE_TABLE_SIZE,
  AMD_EFR,
  AMD_EFR_GIO,
  AMD_EFR_GT,
  AMD_EFR_INVALIDATE_ALL,
  AMD_EFR_PPR,
  AMD_ENTRY_SIZE,
  AMD_EVENT_BASE,
  AMD_MAX_LENGTH,
  AMD_MIN_LENGTH,
  AMD_PPR_BASE,
  AMD_STATUS_COM_WAIT_INT,
  AMD_STATUS_EVENT_LOG_INT,
  AMD_STATUS_PPR_INT,
} from '../../assembly/layout/amd-formats.ts';
import {
  bitsOf,
  type MmioAccess,
  maskInWord,
  type RegisterFile,
  type RegisterSpec,
} from '../plugin/index.ts';

const ADDRESS_LO = 0xfffff000;
const ADDRESS_HI = 0x000fffff;

/** Enables of the buffers, which a guest's control register passes on. */
export const BUFFER_ENABLES =
  maskInWord(AMD_CONTROL_CMD_BUF_EN) |
  maskInWord(AMD_CONTROL_COM_WAIT_INT_EN) |
  maskInWord(AMD_CONTROL_EVENT_LOG_EN) |
  maskInWord(AMD_CONTROL_EVENT_INT_EN) |
  maskInWord(AMD_CONTROL_PPR_LOG_EN) |
  maskInWord(AMD_CONTROL_PPR_INT_EN) |
  maskInWord(AMD_CONTROL_PPR_EN);

/** INVALIDATE_IOMMU_ALL affects every domain, so a guest's IOMMU does not offer it. */
export function amdRegisters(role: 'host' | 'guest'): readonly RegisterSpec[] {
  const both = maskInWord(AMD_EFR_GT) | maskInWord(AMD_EFR_PPR);
  const efr = both | (role === 'host' ? maskInWord(AMD_EFR_INVALIDATE_ALL) : 0);
  const base = {
    size: 8,
    writable: ADDRESS_LO,
    writableHi: (ADDRESS_HI | maskInWord(AMD_BASE_LENGTH)) >>> 0,
  } as const;
  const tableSize = maskInWord(AMD_DEVICE_TABLE_SIZE);
  return [
    {
      name: 'DeviceTableBase',
      offset: AMD_DEVICE_TABLE_BASE,
      size: 8,
      writable: (ADDRESS_LO | tableSize) >>> 0,
      writableHi: ADDRESS_HI,
    },
    { name: 'CommandBufferBase', offset: AMD_COMMAND_BASE, ...base, resetHi: AMD_MIN_LENGTH << 24 },
    { name: 'EventLogBase', offset: AMD_EVENT_BASE, ...base, resetHi: AMD_MIN_LENGTH << 24 },
    { name: 'PprLogBase', offset: AMD_PPR_BASE, ...base, resetHi: AMD_MIN_LENGTH << 24 },
    {
      name: 'Control',
      offset: AMD_CONTROL,
      size: 8,
      writable: (maskInWord(AMD_CONTROL_IOMMU_EN) | BUFFER_ENABLES) >>> 0,
    },
    {
      name: 'ExtendedFeature',
      offset: AMD_EFR,
      size: 8,
      reset: efr,
      resetHi: maskInWord(AMD_EFR_GIO),
    },
  ];
}

/**
 * Address of a command buffer, an event log or a PPR log, and log2 of its number of
 * entries.
 */
export interface AmdBuffer {
  readonly address: number;
  readonly log2size: number;
}

/** @param length the code in the register: reserved codes name no buffer. */
export function bufferOf(lo: number, hi: number, length: number): AmdBuffer | undefined {
  const address = (hi & ADDRESS_HI) * 2 ** 32 + ((lo & ADDRESS_LO) >>> 0);
  return length >= AMD_MIN_LENGTH && length <= AMD_MAX_LENGTH
    ? { address, log2size: length }
    : undefined;
}

/** The buffer that a base register names. */
export function bufferAt(registers: RegisterFile, offset: number): AmdBuffer | undefined {
  const hi = registers.get(offset + 4);
  return bufferOf(registers.get(offset), hi, bitsOf(hi, AMD_BASE_LENGTH));
}

/** Size of a buffer in bytes. */
export function bufferSize({ log2size }: AmdBuffer): number {
  return AMD_ENTRY_SIZE * 2 ** log2size;
}

/** The device table that its base register names: address, and size in bytes. */
export function deviceTableOf(registers: RegisterFile): {
  readonly address: number;
  readonly bytes: number;
} {
  const lo = registers.get(AMD_DEVICE_TABLE_BASE);
  const address = registers.get(AMD_DEVICE_TABLE_BASE + 4) * 2 ** 32 + ((lo & ADDRESS_LO) >>> 0);
  return { address, bytes: (bitsOf(lo, AMD_DEVICE_TABLE_SIZE) + 1) * 4096 };
}

/** True when an access touches the given 64-bit register. */
export function touches(access: MmioAccess, register: number): boolean {
  return access.offset < register + 8 && register < access.offset + access.size;
}

/** Status bit and enable of each interrupt. */
const INTERRUPTS = [
  [AMD_STATUS_COM_WAIT_INT, AMD_CONTROL_COM_WAIT_INT_EN],
  [AMD_STATUS_EVENT_LOG_INT, AMD_CONTROL_EVENT_INT_EN],
  [AMD_STATUS_PPR_INT, AMD_CONTROL_PPR_INT_EN],
] as const;

/** True when the status bits and their enables request the interrupt. */
export function interruptWanted(status: number, control: number): boolean {
  return INTERRUPTS.some(
    ([bit, enable]) => (status & maskInWord(bit)) !== 0 && (control & maskInWord(enable)) !== 0,
  );
}
