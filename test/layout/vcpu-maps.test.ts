// SPDX-License-Identifier: MIT
// Maps of an arm64 vCPU's block and of the GIC's: nothing overlaps, and everything is
// aligned and within its block.

import { describe, expect, it } from 'vitest';
import { ARM64_REGISTER_TABLE } from '../../assembly/layout/a64/arm64-registers.ts';
import * as CPU from '../../assembly/layout/arm64-state.ts';
import * as GIC from '../../assembly/layout/gic-memory.ts';
import { GIC_PRIORITY_BITS } from '../../assembly/layout/gic-registers.ts';
import { area, faults, i32, i64, type Layout, type Piece, unplaced } from './map-faults.ts';

const words = (prefix: string, names: string) =>
  names.split(' ').map((name) => i32(`${prefix}${name}`));
const longs = (prefix: string, names: string) =>
  names.split(' ').map((name) => i64(`${prefix}${name}`));

const SLOTS = ARM64_REGISTER_TABLE.filter(({ slot }) => slot >= 0).length;
const LEVELS = 3;
/** The other vCPUs by number, and the host. */
const INBOXES = CPU.ARM64_INBOX_HOST + 1;

const VCPU: readonly Piece[] = [
  i64('ARM64_ZR'),
  i64('ARM64_X', 31),
  ...longs('ARM64_', 'SP PC COUNT FAULT_FAR WALK_PA MONITOR_LOW MONITOR_HIGH'),
  ...words('ARM64_', 'NZCV DAIF EL SPSEL PAN SS IL STEPPED LIMIT PENDING SLICE TRAP_RECORD_AT'),
  ...words('ARM64_', 'BASE FAULT_ESR WALK_SHIFT WALK_USER WALK_DEVICE WALK_ATTRIBUTES'),
  ...words('ARM64_', 'MONITOR_AT MONITOR_SIZE EVENT STEPPING'),
  area('ARM64_BUFFER', 16, 8),
  ...longs('ARM64_', 'MMIO_ADDRESS MMIO_VALUE'),
  i32('ARM64_MMIO_SIZE'),
  ...longs('ARM64_RECORD_', 'TRAP LIMIT FETCH WEDGED SLOW SCRATCH'),
  area('ARM64_RECORD_STEP', 16, 8),
  area('ARM64_RECORD_ASIDE', 16, 8),
  ...words('ARM64_', 'EXIT BARRIER PEERS PEER_COUNT RAM RAM_SIZE POOL MAPS'),
  ...longs('ARM64_', 'RAM_GPA TIME TIME_COUNT TIME_RATE FA FB STARTED PC_OFFSET'),
  ...words('ARM64_', 'DP ACC FK EXIT_REQUEST IC_PAGE STALE_WHY'),
  ...longs('ARM64_', 'STALE_STORE STALE_FETCH'),
  ...words('ARM64_SAMPLE_', 'EVERY THRESHOLD LIMIT DISTANCE SEED'),
  i32('ARM64_HOT_COUNT'),
  area('ARM64_BANK', (LEVELS + 1) * CPU.ARM64_BANK_STRIDE, 8),
  i64('ARM64_REGISTERS', SLOTS),
  ...longs('ARM64_', 'CNTV_CVAL CNTV_CTL CNTP_CVAL CNTP_CTL OS_LOCK'),
  i32('ARM64_TLB_USED'),
  area('ARM64_TLB_BLOCKS', CPU.ARM64_TLB_BLOCKS_SIZE, 8),
  i64('ARM64_NUMBERS', 32),
  i32('ARM64_CRC32', 256),
  i32('ARM64_CRC32C', 256),
  area('ARM64_TLB', 2 * CPU.ARM64_TLB_STRIDE, 16),
  area('ARM64_HEAT', 8 * CPU.ARM64_HEAT_ENTRIES, 8),
  area('ARM64_HOT_LIST', 8 * CPU.ARM64_HOT_ENTRIES, 8),
  ...words('ARM64_', 'THREADED PRESENCE NOTICE POSTED POSTED_IC AWAKE'),
  ...longs('ARM64_', 'LATEST TIME_ORIGIN'),
  ...words('ARM64_', 'RECORDS_LOCK DRAIN_SLEEPING DRAIN_WAKE'),
  i32('ARM64_PAIR_LOCKS', CPU.ARM64_PAIR_LOCK_COUNT),
  area('ARM64_INBOX', INBOXES * CPU.ARM64_INBOX_SIZE),
];
const BANK: readonly Piece[] = longs(
  'BANK_',
  'SP ELR SPSR ESR FAR VBAR SCTLR TCR TTBR0 TTBR1 MAIR TPIDR CONTEXTIDR CNTKCTL',
);
const TLB: readonly Piece[] = [
  area('START', 0x4000, 16),
  area('ARM64_TLB_WRITE', 0x4000, 16),
  area('ARM64_TLB_FETCH', 16 * CPU.ARM64_TLB_FETCH_ENTRIES, 16),
];
const INBOX: readonly Piece[] = [
  ...words('ARM64_INBOX_', 'MADE DONE'),
  i64('ARM64_INBOX_REQUESTS', CPU.ARM64_INBOX_LENGTH),
];

const GIC_BLOCK: readonly Piece[] = [
  ...words('GIC_AT_', 'VCPUS INTIDS CTLR LPIS RAM_GPA RAM RAM_SIZE WORK'),
  ...words('GIC_AT_ITS_', 'CTLR CREADR CWRITER ERRORS ERROR'),
  ...longs('GIC_AT_ITS_', 'CBASER BASER0 BASER1'),
  i32('GIC_SPIS', GIC.GIC_MAX_INTIDS),
  i32('GIC_ROUTES', GIC.GIC_MAX_INTIDS),
  area('GIC_CPUS', GIC.GIC_MAX_VCPUS * GIC.GIC_CPU_SIZE),
];
const GIC_CPU: readonly Piece[] = [
  i32('GIC_CPU_PRIVATE', GIC.GIC_PRIVATE_INTIDS),
  i32('GIC_CPU_CANDIDATES', GIC.GIC_MAX_INTIDS / 32),
  ...words('GIC_CPU_', 'PENDING_AT LIMIT_AT ASLEEP OWN_PENDING OWN_LIMIT WAKER PMR BPR0 BPR1'),
  ...words('GIC_CPU_', 'IGRPEN0 IGRPEN1 CTLR AP0R AP1R LPIS_ENABLED'),
  ...longs('GIC_CPU_', 'PROPBASER PENDBASER'),
];
/** The number of priorities, each of which has a summary and a bit. */
const PRIORITIES = 0x100 >> GIC.GIC_PRIORITY_SHIFT;
const LPI_CPU: readonly Piece[] = [
  i32('GIC_LPI_CANDIDATES', GIC.GIC_LPIS / 32),
  area('GIC_LPI_SUMMARY', PRIORITIES * GIC.GIC_LPI_SUMMARY_SIZE, 4),
  i32('GIC_LPI_PRIORITIES'),
];

const MAPS: readonly (readonly [
  what: string,
  layout: Layout,
  pieces: readonly Piece[],
  size: number,
])[] = [
  ['the block of an arm64 vCPU', CPU, VCPU, 0x100000],
  ['the bank of an exception level', CPU, BANK, CPU.ARM64_BANK_STRIDE],
  ['the TLBs of an exception level', { ...CPU, START: 0 }, TLB, CPU.ARM64_TLB_SIZE],
  ['an inbox', CPU, INBOX, CPU.ARM64_INBOX_SIZE],
  ['the block of a GIC', GIC, GIC_BLOCK, GIC.GIC_CPUS + GIC.GIC_MAX_VCPUS * GIC.GIC_CPU_SIZE],
  ['the block of a vCPU in a GIC', GIC, GIC_CPU, GIC.GIC_CPU_SIZE],
  ['the block of a vCPU in the LPI area', GIC, LPI_CPU, GIC.GIC_LPI_CPU_SIZE],
];

describe('maps of vCPUs', () => {
  it.each(MAPS)('%s places its parts next to each other', (_, layout, pieces, size) => {
    expect(faults(layout, pieces, size)).toEqual([]);
  });

  it.each([
    [
      'ARM64_*',
      CPU,
      /^ARM64_(?!.*(SIZE|STRIDE|ENTRIES|COUNT|LENGTH)$|X30|PENDING_|BANK_|TLB_(WRITE|FETCH|INVALID|DEVICE)|INSIDE|MIDWAY|INBOX_|REQUEST_|(BREAK|WATCH)POINTS)/,
      [...VCPU],
    ],
    ['BANK_*', CPU, /^BANK_/, BANK],
    ['GIC_AT_*', GIC, /^GIC_AT_/, GIC_BLOCK],
    ['GIC_CPU_*', GIC, /^GIC_CPU_(?!SIZE)/, GIC_CPU],
    ['GIC_LPI_*', GIC, /^GIC_LPI_(?!.*SIZE$)/, LPI_CPU],
  ] as const)('place every %s', (_, layout, prefix, pieces) => {
    expect(unplaced(layout, prefix, pieces)).toEqual([]);
  });

  it('has no bit of the word of an interrupt twice, and shifts that are those of their fields', () => {
    const flags = [
      GIC.GIC_INT_LATCH,
      GIC.GIC_INT_LINE,
      GIC.GIC_INT_ENABLED,
      GIC.GIC_INT_ACTIVE,
      GIC.GIC_INT_EDGE,
      GIC.GIC_INT_GROUP1,
      GIC.GIC_INT_FORWARDED,
    ];
    expect(flags).toEqual(flags.map((_, bit) => 1 << bit));
    expect([GIC.GIC_INT_PRIORITY, GIC.GIC_INT_TARGET]).toEqual([
      0xff * 2 ** GIC.GIC_INT_PRIORITY_SHIFT,
      0xffff * 2 ** GIC.GIC_INT_TARGET_SHIFT,
    ]);
    expect([GIC.GIC_INT_PRIORITY_SHIFT, GIC.GIC_INT_TARGET_SHIFT]).toEqual([8, 16]);
    expect(GIC.GIC_INT_NOWHERE).toBe(0xffff);
    expect([GIC_PRIORITY_BITS, PRIORITIES]).toEqual([0xff & (0xff << GIC.GIC_PRIORITY_SHIFT), 32]);
  });

  it('has blocks that keep the alignment of the first', () => {
    expect([CPU.ARM64_VCPU_SIZE, CPU.ARM64_TLB_STRIDE]).toEqual([0x100000, 0x10000]);
    expect(CPU.ARM64_TLB_SIZE).toBeLessThanOrEqual(CPU.ARM64_TLB_STRIDE);
    expect(CPU.ARM64_X30).toBe(CPU.ARM64_X + 8 * 30);
    // The SP is register 31 where that is not XZR.
    expect([CPU.ARM64_X - CPU.ARM64_ZR, CPU.ARM64_SP - CPU.ARM64_X]).toEqual([8, 8 * 31]);
    expect([GIC.GIC_LPI_WORDS_SIZE, GIC.GIC_LPIS]).toEqual([4 * GIC.GIC_LPIS, 0x10000 - 8192]);
    expect(GIC.GIC_LPI_SUMMARY_SIZE).toBe(GIC.GIC_LPIS / 32 / 8);
  });
});
