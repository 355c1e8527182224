// SPDX-License-Identifier: MIT
// Registers of the DMA engine, and an operation in the format of its registers.

import {
  DMA_ATS,
  DMA_ATS_ENABLE,
  DMA_ATS_PAGES,
  DMA_ATS_SILENT,
  DMA_CTRL,
  DMA_DONE,
  DMA_DST,
  DMA_FAULT_ADDR,
  DMA_ID,
  DMA_ID_VALUE,
  DMA_IRQ_ENABLE,
  DMA_LENGTH,
  DMA_OP_NONE,
  DMA_PASID,
  DMA_PASID_ATOMIC,
  DMA_PASID_INSTRUCTION,
  DMA_PASID_PRIVILEGED,
  DMA_PASID_VALID,
  DMA_PASID_VALUE,
  DMA_PATTERN,
  DMA_SRC,
  DMA_STATUS,
  DMA_STREAM,
} from '../../assembly/layout/dma-engine-registers.ts';
import { bitsOf, type DmaAttributes, maskInWord } from '../plugin/index.ts';

const ALL = 0xffffffff;

/** All of them, with the bits that software can write. */
export const REGISTERS = [
  { name: 'ID', offset: DMA_ID, reset: DMA_ID_VALUE },
  { name: 'CTRL', offset: DMA_CTRL, writable: ALL },
  { name: 'STATUS', offset: DMA_STATUS },
  { name: 'LENGTH', offset: DMA_LENGTH, writable: ALL },
  { name: 'SRC', offset: DMA_SRC, size: 8, writable: ALL, writableHi: ALL },
  { name: 'DST', offset: DMA_DST, size: 8, writable: ALL, writableHi: ALL },
  { name: 'PATTERN', offset: DMA_PATTERN, writable: ALL },
  { name: 'DONE', offset: DMA_DONE },
  { name: 'FAULT_ADDR', offset: DMA_FAULT_ADDR, size: 8 },
  { name: 'STREAM', offset: DMA_STREAM },
  { name: 'IRQ_ENABLE', offset: DMA_IRQ_ENABLE, writable: 1 },
  {
    name: 'PASID',
    offset: DMA_PASID,
    writable:
      maskInWord(DMA_PASID_VALUE) +
      DMA_PASID_VALID +
      DMA_PASID_PRIVILEGED +
      DMA_PASID_INSTRUCTION +
      DMA_PASID_ATOMIC,
  },
  { name: 'ATS', offset: DMA_ATS, writable: DMA_ATS_ENABLE | DMA_ATS_PAGES | DMA_ATS_SILENT },
] as const;

/**
 * An operation as it was started, and its progress. 64-bit iovas are two words, low word
 * first.
 */
export const IDLE = {
  operation: DMA_OP_NONE as number,
  length: 0,
  source: [0, 0],
  target: [0, 0],
  pattern: 0,
  /** The register DMA_PASID. */
  pasid: 0,
  done: 0,
};
export type Operation = typeof IDLE;

/** The operation while none is in progress. */
export function noOperation(): Operation {
  return structuredClone(IDLE);
}

/** An address of an operation. */
export function iovaOf([lo = 0, hi = 0]: readonly number[]): number {
  return hi * 2 ** 32 + lo;
}

/** Attributes of the accesses, from the register DMA_PASID. */
export function attributesOf(register: number): DmaAttributes {
  const has = (bit: number) => (register & bit) !== 0;
  return {
    ...(has(DMA_PASID_VALID) ? { pasid: bitsOf(register, DMA_PASID_VALUE) } : {}),
    privileged: has(DMA_PASID_PRIVILEGED),
    instruction: has(DMA_PASID_INSTRUCTION),
    atomic: has(DMA_PASID_ATOMIC),
  };
}
