// SPDX-License-Identifier: MIT
// The registers of an SMMUv3 as data (IHI 0070 section 6.3): offsets, reset values,
// writable bits, and write guards.

import {
  CMDQ_CONTROL_PAGE_CMDQGS,
  CMDQ_CONTROL_PAGE_EN,
  CMDQ_CONTROL_PAGE_PRESET,
  CR0_ATSCHK,
  CR0_CMDQEN,
  CR0_EVENTQEN,
  CR0_PRIQEN,
  CR0_SMMUEN,
  CR0_WRITABLE,
  CR2_E2H,
  CR2_PTM,
  CR2_REC_CFG_ATS,
  CR2_RECINVSID,
  GERROR_VALID,
  IDR0_ATS,
  IDR0_ATSRECERR,
  IDR0_HYP,
  IDR0_MSI,
  IDR0_PRI,
  IDR0_ST_LEVEL,
  IRQ_CTRL_EVENTQ_IRQEN,
  IRQ_CTRL_GERROR_IRQEN,
  IRQ_CTRL_PRIQ_IRQEN,
  PRIQ_IRQ_CFG2_LO,
  SMMU_AGBPA,
  SMMU_AIDR,
  SMMU_CMDQ_BASE,
  SMMU_CMDQ_CONS,
  SMMU_CMDQ_CONTROL_PAGE_BASE,
  SMMU_CMDQ_CONTROL_PAGE_CFG,
  SMMU_CMDQ_CONTROL_PAGE_STATUS,
  SMMU_CMDQ_PROD,
  SMMU_CR0,
  SMMU_CR0ACK,
  SMMU_CR1,
  SMMU_CR2,
  SMMU_ECMDQ_PAGE,
  SMMU_EVENTQ_BASE,
  SMMU_EVENTQ_CONS,
  SMMU_EVENTQ_CONS_PAGE0,
  SMMU_EVENTQ_IRQ_CFG0,
  SMMU_EVENTQ_IRQ_CFG1,
  SMMU_EVENTQ_IRQ_CFG2,
  SMMU_EVENTQ_PROD,
  SMMU_EVENTQ_PROD_PAGE0,
  SMMU_GBPA,
  SMMU_GERROR,
  SMMU_GERROR_IRQ_CFG0,
  SMMU_GERROR_IRQ_CFG1,
  SMMU_GERROR_IRQ_CFG2,
  SMMU_GERRORN,
  SMMU_IDR0,
  SMMU_IDR1,
  SMMU_IDR2,
  SMMU_IDR3,
  SMMU_IDR4,
  SMMU_IDR5,
  SMMU_IDR6,
  SMMU_IIDR,
  SMMU_IRQ_CTRL,
  SMMU_IRQ_CTRLACK,
  SMMU_PAGE1,
  SMMU_PRIQ_BASE,
  SMMU_PRIQ_CONS,
  SMMU_PRIQ_CONS_PAGE0,
  SMMU_PRIQ_IRQ_CFG0,
  SMMU_PRIQ_IRQ_CFG1,
  SMMU_PRIQ_IRQ_CFG2,
  SMMU_PRIQ_PROD,
  SMMU_PRIQ_PROD_PAGE0,
  SMMU_STATUSR,
  SMMU_STRTAB_BASE,
  SMMU_STRTAB_BASE_CFG,
  STRTAB_BASE_CFG_FMT,
  STRTAB_BASE_CFG_LOG2SIZE,
  STRTAB_BASE_CFG_SPLIT,
} from '../../assembly/layout/smmu-registers.ts';
import { bitsOf, maskInWord, type RegisterSpec, withBits } from '../plugin/index.ts';
import { enhancedQueueCount, type SmmuIdRegisters } from './id-registers.ts';

/** SHCFG "use incoming", no abort: transactions pass until the SMMU is enabled. */
export const GBPA_RESET = 0x1000;
/**
 * MemAttr, MTCFG, ALLOCCFG, SHCFG, PRIVCFG, INSTCFG, ABORT. UPDATE is a request, not a
 * stored bit.
 */
export const GBPA_STORED = 0x001f3f1f;

const CR1_QUEUES = 0x3f;
const CR1_TABLES = 0xfc0;
/** Index and wrap bit, and OVFLG or OVACKFLG. */
const RECORD_INDEX = 0x800fffff;
/** RD and ERR. */
const CMDQ_CONS_WRITABLE = 0x7f0fffff;
const CMDQ_PROD_WRITABLE = 0x000fffff;
/** ADDR[31:5] and LOG2SIZE; ADDR[51:32] and the allocation hint (RA or WA) at bit 62. */
export const QUEUE_BASE_LO = 0xffffffff;
export const QUEUE_BASE_HI = 0x400fffff;
/** ADDR[31:6]; ADDR[51:32] and RA. */
const STRTAB_BASE_LO = 0xffffffc0;
const STRTAB_BASE_HI = 0x400fffff;
/** ADDR[51:2], DATA, and SH with MemAttr. */
const MSI_ADDRESS_LO = 0xfffffffc;
const MSI_ADDRESS_HI = 0x000fffff;
const MSI_ATTRIBUTES = 0x3f;

function enableBits(ids: SmmuIdRegisters): number {
  let bits = CR0_WRITABLE;
  if (!bitsOf(ids.idr0, IDR0_PRI)) bits &= ~maskInWord(CR0_PRIQEN);
  if (!bitsOf(ids.idr0, IDR0_ATS)) bits &= ~maskInWord(CR0_ATSCHK);
  return bits;
}

function interruptEnableBits(ids: SmmuIdRegisters): number {
  const bits = maskInWord(IRQ_CTRL_GERROR_IRQEN) | maskInWord(IRQ_CTRL_EVENTQ_IRQEN);
  return bitsOf(ids.idr0, IDR0_PRI) ? bits | maskInWord(IRQ_CTRL_PRIQ_IRQEN) : bits;
}

function streamTableBits(ids: SmmuIdRegisters): number {
  const linear = maskInWord(STRTAB_BASE_CFG_LOG2SIZE);
  // FMT and SPLIT are reserved without 2-level tables, so a driver that requests one gets
  // a linear table of LOG2SIZE streams.
  return bitsOf(ids.idr0, IDR0_ST_LEVEL)
    ? linear | maskInWord(STRTAB_BASE_CFG_SPLIT) | maskInWord(STRTAB_BASE_CFG_FMT)
    : linear;
}

function msiRegisters(
  ids: SmmuIdRegisters,
  name: string,
  address: number,
  data: number,
  attributes: number,
): RegisterSpec[] {
  // The MSI registers are reserved without IDR0.MSI.
  if (!bitsOf(ids.idr0, IDR0_MSI)) return [];
  return [
    {
      name: `${name}_IRQ_CFG0`,
      offset: address,
      size: 8,
      writable: MSI_ADDRESS_LO,
      writableHi: MSI_ADDRESS_HI,
    },
    { name: `${name}_IRQ_CFG1`, offset: data, writable: 0xffffffff },
    { name: `${name}_IRQ_CFG2`, offset: attributes, writable: MSI_ATTRIBUTES },
  ];
}

// PRIQ_IRQ_CFG2.LO also affects the line.
function priqInterruptRegisters(ids: SmmuIdRegisters): RegisterSpec[] {
  const lastOnly = bitsOf(ids.idr0, IDR0_PRI) ? maskInWord(PRIQ_IRQ_CFG2_LO) : 0;
  const registers = msiRegisters(
    ids,
    'PRIQ',
    SMMU_PRIQ_IRQ_CFG0,
    SMMU_PRIQ_IRQ_CFG1,
    SMMU_PRIQ_IRQ_CFG2,
  );
  if (registers.length === 0)
    return lastOnly
      ? [{ name: 'PRIQ_IRQ_CFG2', offset: SMMU_PRIQ_IRQ_CFG2, writable: lastOnly }]
      : [];
  return registers.map((spec) =>
    spec.offset === SMMU_PRIQ_IRQ_CFG2
      ? { ...spec, writable: ((spec.writable ?? 0) | lastOnly) >>> 0 }
      : spec,
  );
}

/** CMDQGS of a 64 KiB control page granule. */
const GRANULE_64K = 1;

function controlPageRegisters(ids: SmmuIdRegisters): RegisterSpec[] {
  if (enhancedQueueCount(ids) === 0) return [];
  // Preset, and therefore always enabled.
  const enabled = maskInWord(CMDQ_CONTROL_PAGE_EN);
  const base = withBits(
    SMMU_ECMDQ_PAGE | maskInWord(CMDQ_CONTROL_PAGE_PRESET),
    CMDQ_CONTROL_PAGE_CMDQGS,
    GRANULE_64K,
  );
  return [
    { name: 'IDR6', offset: SMMU_IDR6, reset: ids.idr6 ?? 0 },
    { name: 'CMDQ_CONTROL_PAGE_BASE', offset: SMMU_CMDQ_CONTROL_PAGE_BASE, size: 8, reset: base },
    { name: 'CMDQ_CONTROL_PAGE_CFG', offset: SMMU_CMDQ_CONTROL_PAGE_CFG, reset: enabled },
    { name: 'CMDQ_CONTROL_PAGE_STATUS', offset: SMMU_CMDQ_CONTROL_PAGE_STATUS, reset: enabled },
  ];
}

/**
 * All registers of an SMMU with these ID registers. The page-0 aliases of the queue
 * indexes are resolved by `canonicalOffset`.
 */
export function smmuRegisters(ids: SmmuIdRegisters): RegisterSpec[] {
  const cr2 =
    maskInWord(CR2_RECINVSID) |
    maskInWord(CR2_PTM) |
    (bitsOf(ids.idr0, IDR0_HYP) ? maskInWord(CR2_E2H) : 0) |
    (bitsOf(ids.idr0, IDR0_ATSRECERR) ? maskInWord(CR2_REC_CFG_ATS) : 0);
  const base = { size: 8, writable: QUEUE_BASE_LO, writableHi: QUEUE_BASE_HI } as const;
  return [
    { name: 'IDR0', offset: SMMU_IDR0, reset: ids.idr0 },
    { name: 'IDR1', offset: SMMU_IDR1, reset: ids.idr1 },
    { name: 'IDR2', offset: SMMU_IDR2, reset: ids.idr2 },
    { name: 'IDR3', offset: SMMU_IDR3, reset: ids.idr3 },
    { name: 'IDR4', offset: SMMU_IDR4, reset: ids.idr4 },
    { name: 'IDR5', offset: SMMU_IDR5, reset: ids.idr5 },
    { name: 'IIDR', offset: SMMU_IIDR, reset: ids.iidr },
    ...controlPageRegisters(ids),
    { name: 'AIDR', offset: SMMU_AIDR, reset: ids.aidr },
    { name: 'CR0', offset: SMMU_CR0, writable: enableBits(ids) },
    { name: 'CR0ACK', offset: SMMU_CR0ACK },
    { name: 'CR1', offset: SMMU_CR1, writable: CR1_TABLES | CR1_QUEUES },
    { name: 'CR2', offset: SMMU_CR2, writable: cr2 },
    { name: 'STATUSR', offset: SMMU_STATUSR },
    { name: 'GBPA', offset: SMMU_GBPA, reset: GBPA_RESET, writable: GBPA_STORED },
    { name: 'AGBPA', offset: SMMU_AGBPA },
    { name: 'IRQ_CTRL', offset: SMMU_IRQ_CTRL, writable: interruptEnableBits(ids) },
    { name: 'IRQ_CTRLACK', offset: SMMU_IRQ_CTRLACK },
    { name: 'GERROR', offset: SMMU_GERROR },
    { name: 'GERRORN', offset: SMMU_GERRORN, writable: GERROR_VALID },
    ...msiRegisters(
      ids,
      'GERROR',
      SMMU_GERROR_IRQ_CFG0,
      SMMU_GERROR_IRQ_CFG1,
      SMMU_GERROR_IRQ_CFG2,
    ),
    {
      name: 'STRTAB_BASE',
      offset: SMMU_STRTAB_BASE,
      size: 8,
      writable: STRTAB_BASE_LO,
      writableHi: STRTAB_BASE_HI,
    },
    { name: 'STRTAB_BASE_CFG', offset: SMMU_STRTAB_BASE_CFG, writable: streamTableBits(ids) },
    { name: 'CMDQ_BASE', offset: SMMU_CMDQ_BASE, ...base },
    { name: 'CMDQ_PROD', offset: SMMU_CMDQ_PROD, writable: CMDQ_PROD_WRITABLE },
    { name: 'CMDQ_CONS', offset: SMMU_CMDQ_CONS, writable: CMDQ_CONS_WRITABLE },
    { name: 'EVENTQ_BASE', offset: SMMU_EVENTQ_BASE, ...base },
    ...msiRegisters(
      ids,
      'EVENTQ',
      SMMU_EVENTQ_IRQ_CFG0,
      SMMU_EVENTQ_IRQ_CFG1,
      SMMU_EVENTQ_IRQ_CFG2,
    ),
    { name: 'PRIQ_BASE', offset: SMMU_PRIQ_BASE, ...base },
    ...priqInterruptRegisters(ids),
    { name: 'EVENTQ_PROD', offset: SMMU_EVENTQ_PROD, writable: RECORD_INDEX },
    { name: 'EVENTQ_CONS', offset: SMMU_EVENTQ_CONS, writable: RECORD_INDEX },
    { name: 'PRIQ_PROD', offset: SMMU_PRIQ_PROD, writable: RECORD_INDEX },
    { name: 'PRIQ_CONS', offset: SMMU_PRIQ_CONS, writable: RECORD_INDEX },
  ];
}

const PAGE0_ALIASES: ReadonlySet<number> = new Set([
  SMMU_EVENTQ_PROD_PAGE0,
  SMMU_EVENTQ_CONS_PAGE0,
  SMMU_PRIQ_PROD_PAGE0,
  SMMU_PRIQ_CONS_PAGE0,
]);

/**
 * The offset at which a register is stored: for both aliases of a queue index, its page-1
 * offset.
 */
export function canonicalOffset(offset: number): number {
  return PAGE0_ALIASES.has(offset) ? offset + SMMU_PAGE1 : offset;
}

/**
 * Bits of a register word that software must not change while one of these enables is
 * set.
 */
export interface RegisterGuard {
  /** Offset of the guarded word. */
  readonly offset: number;
  readonly bits: number;
  /** Bits of CR0. */
  readonly cr0: number;
  /** Bits of IRQ_CTRL. */
  readonly irqCtrl: number;
}

const ANY_QUEUE = maskInWord(CR0_CMDQEN) | maskInWord(CR0_EVENTQEN) | maskInWord(CR0_PRIQEN);

function guard(cr0: number, irqCtrl: number, ...offsets: number[]): RegisterGuard[] {
  return offsets.map((offset) => ({ offset, bits: 0xffffffff, cr0, irqCtrl }));
}

/**
 * A write to a guarded register while its enable is set is CONSTRAINED UNPREDICTABLE:
 * ignored, or effective at some time. This model ignores it, which exposes drivers that
 * rely on the other choice.
 */
export const REGISTER_GUARDS: readonly RegisterGuard[] = [
  { offset: SMMU_CR1, bits: CR1_TABLES, cr0: maskInWord(CR0_SMMUEN), irqCtrl: 0 },
  { offset: SMMU_CR1, bits: CR1_QUEUES, cr0: ANY_QUEUE, irqCtrl: 0 },
  ...guard(
    maskInWord(CR0_SMMUEN),
    0,
    SMMU_CR2,
    SMMU_STRTAB_BASE,
    SMMU_STRTAB_BASE + 4,
    SMMU_STRTAB_BASE_CFG,
  ),
  ...guard(maskInWord(CR0_CMDQEN), 0, SMMU_CMDQ_BASE, SMMU_CMDQ_BASE + 4, SMMU_CMDQ_CONS),
  ...guard(maskInWord(CR0_EVENTQEN), 0, SMMU_EVENTQ_BASE, SMMU_EVENTQ_BASE + 4, SMMU_EVENTQ_PROD),
  ...guard(maskInWord(CR0_PRIQEN), 0, SMMU_PRIQ_BASE, SMMU_PRIQ_BASE + 4, SMMU_PRIQ_PROD),
  ...guard(
    0,
    maskInWord(IRQ_CTRL_GERROR_IRQEN),
    SMMU_GERROR_IRQ_CFG0,
    SMMU_GERROR_IRQ_CFG0 + 4,
    SMMU_GERROR_IRQ_CFG1,
    SMMU_GERROR_IRQ_CFG2,
  ),
  ...guard(
    0,
    maskInWord(IRQ_CTRL_EVENTQ_IRQEN),
    SMMU_EVENTQ_IRQ_CFG0,
    SMMU_EVENTQ_IRQ_CFG0 + 4,
    SMMU_EVENTQ_IRQ_CFG1,
    SMMU_EVENTQ_IRQ_CFG2,
  ),
  ...guard(
    0,
    maskInWord(IRQ_CTRL_PRIQ_IRQEN),
    SMMU_PRIQ_IRQ_CFG0,
    SMMU_PRIQ_IRQ_CFG0 + 4,
    SMMU_PRIQ_IRQ_CFG1,
    SMMU_PRIQ_IRQ_CFG2,
  ),
];
