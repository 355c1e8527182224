// SPDX-License-Identifier: MIT
// Registers of a VT-d IOMMU, a host's or a guest's, and its invalidation queue. The
// registers are the whole state; the owner implements the effects of descriptors.

import {
  VTD_CAP,
  VTD_DESCRIPTOR_SIZE,
  VTD_ECAP,
  VTD_ECAP_DT,
  VTD_ECAP_FSTS,
  VTD_ECAP_NEST,
  VTD_ECAP_QI,
  VTD_ECAP_SMTS,
  VTD_FSTS,
  VTD_FSTS_IQE,
  VTD_GCMD,
  VTD_GCMD_QIE,
  VTD_GCMD_SRTP,
  VTD_GCMD_TE,
  VTD_GSTS,
  VTD_IQA,
  VTD_IQA_DW,
  VTD_IQA_QS,
  VTD_IQH,
  VTD_IQT,
  VTD_REGION_SIZE,
  VTD_RTADDR,
  VTD_RTADDR_TTM,
  VTD_TTM_SCALABLE,
} from '../../assembly/layout/vtd-formats.ts';
import { bitsOf, type Field, maskInWord, RegisterFile } from '../plugin/index.ts';
import { guestStructure } from '../tables/guest-structure.ts';
import { type Invalidation, readInvalidation } from './invalidation-descriptors.ts';

const ALL = 0xffffffff;
const PAGE_MASK = ~0xfffn;
/** Number of descriptors of the largest queue. */
const LARGEST_QUEUE = (4096 << 7) / VTD_DESCRIPTOR_SIZE;

/**
 * ECAP, low and high word: a nesting parent in scalable mode, with queued invalidation
 * and ATS.
 */
function capabilities(word: 0 | 1): number {
  const fields: readonly Field[] = word
    ? [VTD_ECAP_SMTS, VTD_ECAP_FSTS]
    : [VTD_ECAP_QI, VTD_ECAP_DT, VTD_ECAP_NEST];
  return fields.reduce((value, field) => (value | maskInWord(field)) >>> 0, 0);
}

const ADDRESS = { size: 8, writable: ALL, writableHi: ALL } as const;
const REGISTERS = [
  { name: 'CAP', offset: VTD_CAP, size: 8 },
  { name: 'ECAP', offset: VTD_ECAP, size: 8, reset: capabilities(0), resetHi: capabilities(1) },
  { name: 'GCMD', offset: VTD_GCMD, writable: ALL },
  { name: 'GSTS', offset: VTD_GSTS },
  { name: 'RTADDR', offset: VTD_RTADDR, ...ADDRESS },
  { name: 'FSTS', offset: VTD_FSTS },
  { name: 'IQH', offset: VTD_IQH, size: 8 },
  { name: 'IQT', offset: VTD_IQT, size: 8, writable: 0x7ffe0 },
  { name: 'IQA', offset: VTD_IQA, ...ADDRESS },
] as const;

/** The owner's functions for the registers. */
export interface VtdRegisterUse {
  /** Reads an aligned doubleword of the queue's memory. */
  load64(address: number): bigint | undefined;
  /** Executes a descriptor. False stops the queue, like an invalid descriptor. */
  carryOut(what: Invalidation): boolean;
  /** Maximum number of descriptors of one service; by default a whole queue. */
  readonly most?: number;
}

export class VtdRegisters {
  readonly file = new RegisterFile(VTD_REGION_SIZE, REGISTERS);
  readonly #use: VtdRegisterUse;

  constructor(use: VtdRegisterUse) {
    this.#use = use;
  }

  /** The active root table, once GCMD.SRTP has set it in scalable mode and TE is set. */
  get root(): bigint | undefined {
    const status = this.file.get(VTD_GSTS);
    const isOn = bitsOf(status, VTD_GCMD_TE) && bitsOf(status, VTD_GCMD_SRTP);
    const isScalable = bitsOf(this.file.get(VTD_RTADDR), VTD_RTADDR_TTM) === VTD_TTM_SCALABLE;
    return isOn && isScalable ? this.#address(VTD_RTADDR) : undefined;
  }

  #address(register: number): bigint {
    const high = BigInt(this.file.get(register + 4));
    return ((high << 32n) | BigInt(this.file.get(register))) & PAGE_MASK;
  }

  /** Applies a 32-bit store that has been made. */
  written(offset: number): void {
    if (offset === VTD_GCMD) this.#command();
    if (offset === VTD_IQT) this.serve();
  }

  /** FSTS bits are cleared by writing ones. */
  acknowledge(bits: number): void {
    this.file.set(VTD_FSTS, (this.file.get(VTD_FSTS) & ~bits) >>> 0);
  }

  // GCMD requests a change; GSTS shows the current state (section 11.4.4). SRTP is
  // one-shot.
  #command(): void {
    const command = this.file.get(VTD_GCMD);
    const before = this.file.get(VTD_GSTS);
    const kept = before & maskInWord(VTD_GCMD_SRTP);
    const now = command & (maskInWord(VTD_GCMD_TE) | maskInWord(VTD_GCMD_QIE));
    const root = command & maskInWord(VTD_GCMD_SRTP);
    if (bitsOf(command, VTD_GCMD_QIE) && !bitsOf(before, VTD_GCMD_QIE)) this.file.set(VTD_IQH, 0);
    this.file.set(VTD_GSTS, (now | kept | root) >>> 0);
  }

  /** Serves the queue once. Returns the number of descriptors consumed. */
  serve(): number {
    const { file } = this;
    const { most = LARGEST_QUEUE } = this.#use;
    if (!bitsOf(file.get(VTD_GSTS), VTD_GCMD_QIE) || bitsOf(file.get(VTD_FSTS), VTD_FSTS_IQE))
      return 0;
    const size = 4096 << bitsOf(file.get(VTD_IQA), VTD_IQA_QS);
    const isWide = bitsOf(file.get(VTD_IQA), VTD_IQA_DW) === 1;
    const tail = file.get(VTD_IQT) % size;
    let done = 0;
    for (; done < most && file.get(VTD_IQH) !== tail; done++) {
      const what = isWide ? this.#fetch(file.get(VTD_IQH)) : undefined;
      if (!what || !this.#use.carryOut(what)) {
        file.set(VTD_FSTS, file.get(VTD_FSTS) | maskInWord(VTD_FSTS_IQE));
        return done + 1;
      }
      file.set(VTD_IQH, (file.get(VTD_IQH) + VTD_DESCRIPTOR_SIZE) % size);
    }
    return done;
  }

  #fetch(head: number): Invalidation | undefined {
    const at = Number(this.#address(VTD_IQA)) + head;
    const words = guestStructure(this.#use, at, VTD_DESCRIPTOR_SIZE);
    return words && readInvalidation(words);
  }
}
