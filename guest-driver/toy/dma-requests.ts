// SPDX-License-Identifier: MIT
// The DMA engine: a bus master whose accesses all go through the SMMU. An operation of up
// to DMA_STEP_LENGTH bytes, which includes all of the toy's, is complete when its CTRL
// write returns.

import {
  DMA_ATS,
  DMA_CTRL,
  DMA_DST,
  DMA_FAULT_ADDR,
  DMA_LENGTH,
  DMA_OP_COPY,
  DMA_OP_VERIFY,
  DMA_PASID,
  DMA_PASID_VALID,
  DMA_PATTERN,
  DMA_SRC,
  DMA_STATUS,
} from '../../assembly/layout/dma-engine-registers';
import { read32, write32 } from '../runtime/mmio';
import { toy } from './toy-state';

function writeAddress(register: u32, iova: u64): void {
  const gpa = toy().dmaGpa + register;
  write32(gpa, <u32>iova);
  write32(gpa + 4, <u32>(iova >> 32));
}

/** Copies `length` bytes. @returns DMA_STATUS_*. */
export function dmaCopy(source: u64, target: u64, length: u32): u32 {
  const gpa = toy().dmaGpa;
  writeAddress(DMA_SRC, source);
  writeAddress(DMA_DST, target);
  write32(gpa + DMA_LENGTH, length);
  write32(gpa + DMA_CTRL, DMA_OP_COPY);
  return read32(gpa + DMA_STATUS);
}

/** Compares `length` bytes with a 32-bit pattern. @returns DMA_STATUS_*. */
export function dmaVerify(source: u64, pattern: u32, length: u32): u32 {
  const gpa = toy().dmaGpa;
  writeAddress(DMA_SRC, source);
  write32(gpa + DMA_PATTERN, pattern);
  write32(gpa + DMA_LENGTH, length);
  write32(gpa + DMA_CTRL, DMA_OP_VERIFY);
  return read32(gpa + DMA_STATUS);
}

/** DMA_STATUS_* of the last operation, which may still be in progress. */
export function dmaStatus(): u32 {
  return read32(toy().dmaGpa + DMA_STATUS);
}

/** Makes the accesses of later operations carry a PASID. */
export function dmaUsePasid(pasid: u32): void {
  write32(toy().dmaGpa + DMA_PASID, <u32>DMA_PASID_VALID | pasid);
}

/** Makes the accesses of later operations carry no PASID. */
export function dmaUseNoPasid(): void {
  write32(toy().dmaGpa + DMA_PASID, 0);
}

/** Selects the engine's use of ATS (DMA_ATS_*), and empties its ATC. */
export function dmaSetAts(settings: u32): void {
  write32(toy().dmaGpa + DMA_ATS, settings);
}

/** iova of the access that failed. */
export function dmaFaultAddress(): u64 {
  const gpa = toy().dmaGpa + DMA_FAULT_ADDR;
  return ((<u64>read32(gpa + 4)) << 32) | read32(gpa);
}
