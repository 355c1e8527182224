// SPDX-License-Identifier: MIT
// Maps of host memory, the guest ABI area and the small devices: nothing overlaps, and
// everything is aligned and within its area.

import { describe, expect, it } from 'vitest';
import * as ACTIONS from '../../assembly/layout/action-memory.ts';
import * as AMD from '../../assembly/layout/amd-block.ts';
import { AMD_POINTERS_SIZE } from '../../assembly/layout/amd-formats.ts';
import * as ATS from '../../assembly/layout/ats-memory.ts';
import * as CHECK from '../../assembly/layout/check-memory.ts';
import * as CHECKPOINT from '../../assembly/layout/checkpoint-registers.ts';
import {
  CMDQV_MAX_VINTFS,
  CMDQV_SIDS_PER_VINTF,
  VCMDQ_STRIDE,
} from '../../assembly/layout/cmdqv-registers.ts';
import * as CONFIGS from '../../assembly/layout/config-cache-memory.ts';
import * as CONTEXTS from '../../assembly/layout/context-memory.ts';
import * as DMA from '../../assembly/layout/dma-engine-registers.ts';
import * as ABI from '../../assembly/layout/guest-abi.ts';
import * as MAP from '../../assembly/layout/host-memory.ts';
import * as IOTLB from '../../assembly/layout/iotlb-memory.ts';
import * as PL011 from '../../assembly/layout/pl011-registers.ts';
import * as QUEUES from '../../assembly/layout/queue-memory.ts';
import * as SEGMENTS from '../../assembly/layout/segment-memory.ts';
import * as SEQUENCE from '../../assembly/layout/set-sequence.ts';
import * as SHADOW from '../../assembly/layout/shadow-memory.ts';
import * as BLOCK from '../../assembly/layout/smmu-memory.ts';
import * as STALLS from '../../assembly/layout/stall-memory.ts';
import * as THREADS from '../../assembly/layout/thread-memory.ts';
import * as VMIDS from '../../assembly/layout/vmid-memory.ts';
import { area, faults, i32, i64, type Layout, type Piece, unplaced } from './map-faults.ts';

/** Host memory, whose layout is in several files. */
const HOST = {
  ...MAP,
  ...THREADS,
  ...SEGMENTS,
  ...BLOCK,
  ...ACTIONS,
  ...CONTEXTS,
  ...QUEUES,
  ...CONFIGS,
  ...SEQUENCE,
  ...IOTLB,
  ...VMIDS,
  ...STALLS,
  ...ATS,
  SMMU_AT_CHECK: CHECK.SMMU_AT_CHECK,
  SMMU_AT_SHADOW: SHADOW.SMMU_AT_SHADOW,
};

const HEADER: readonly Piece[] = [
  ...[
    'HOST_AT_MAGIC',
    'HOST_AT_SMMU_COUNT',
    'HOST_AT_RAM_BASE',
    'HOST_AT_RAM_SIZE',
    'HOST_AT_THREADS',
    'HOST_AT_ATTENTION',
    'HOST_AT_ATTENTION_SEEN',
  ].map((name) => i32(name)),
  i64('HOST_AT_SYNC_EPOCH'),
  i32('HOST_AT_EVENTS', HOST.EVENT_IDS),
  ...[
    'HOST_AT_TRACE',
    'HOST_AT_TRACE_MASK',
    'HOST_AT_TRACE_NEXT',
    'HOST_AT_TRACE_SALT',
    'HOST_AT_TRACE_MARKS',
  ].map((name) => i32(name)),
  i64('HOST_AT_EPOCH'),
  i32('HOST_AT_VCPU_VMIDS', 64),
];

const THREAD: readonly Piece[] = [
  i64('THREAD_IN_FLIGHT'),
  i64('THREAD_TRACE_TIME'),
  i32('THREAD_TRACE_BURST'),
  i32('THREAD_TRACE_DOORBELL'),
  i64('THREAD_PA'),
  i32('THREAD_PA_SIZE'),
  area('THREAD_EVENT', 32, 8),
  area('THREAD_STE', 64),
  area('THREAD_CD', 64),
  area('THREAD_CFG', HOST.CFG_ENTRY_SIZE),
  area('THREAD_WALK_STAGE1', 64),
  area('THREAD_WALK_STAGE2', 64),
  area('THREAD_WALK_TABLE', 64),
  ...[
    'THREAD_TLB_HITS',
    'THREAD_TLB_MISSES',
    'THREAD_TLB_INSERTS',
    'THREAD_TLB_DISCARDS',
    'THREAD_CFG_HITS',
  ].map((name) => i64(name)),
  ...['THREAD_CFG_MISSES', 'THREAD_FAULTS', 'THREAD_EVENTS_LOST', 'THREAD_CFG_GEN'].map((name) =>
    i64(name),
  ),
  i32('THREAD_SID'),
  i32('THREAD_SSID'),
  i64('THREAD_IOVA'),
  i32('THREAD_ATTRIBUTES'),
];

const SEGMENT_BLOCK: readonly Piece[] = [
  i32('SEGMENTS_COUNT'),
  area('SEGMENTS_FIRST', HOST.MAX_SEGMENTS * HOST.SEGMENT_SIZE, 16),
];
const SEGMENT: readonly Piece[] = [i64('SEGMENT_PA'), i32('SEGMENT_LENGTH')];

const SMMU: readonly Piece[] = [
  ...[
    'SMMU_AT_CR0',
    'SMMU_AT_CR2',
    'SMMU_AT_GBPA',
    'SMMU_AT_IDR0',
    'SMMU_AT_IDR1',
    'SMMU_AT_IDR3',
    'SMMU_AT_IDR5',
  ].map((name) => i32(name)),
  i32('SMMU_AT_STRTAB_CFG'),
  i64('SMMU_AT_STRTAB_BASE'),
  i64('SMMU_AT_EVENTQ_BASE'),
  ...[
    'SMMU_AT_EVENTQ_LOG2SIZE',
    'SMMU_AT_EVENTQ_PROD',
    'SMMU_AT_EVENTQ_CONS',
    'SMMU_AT_EVENTQ_OWNER',
    'SMMU_AT_EVENTQ_ABORT',
  ].map((name) => i32(name)),
  i32('SMMU_AT_PARKED'),
  i64('SMMU_AT_ALL_GEN'),
  i32('SMMU_AT_NUM_VCMDQ'),
  i32('SMMU_AT_NUM_LVCMDQ'),
  i32('SMMU_AT_CMDQV_EN'),
  i32('SMMU_AT_ATC_PORTS'),
  i32('SMMU_AT_ATC_TIMEOUT'),
  i64('SMMU_AT_PRIQ_BASE'),
  ...['LOG2SIZE', 'PROD', 'CONS', 'OWNER', 'ABORT'].map((name) => i32(`SMMU_AT_PRIQ_${name}`)),
  i32('SMMU_AT_PLANTED_EVENT'),
  i32('SMMU_AT_PLANTED_SID'),
  i32('SMMU_AT_PLANTED_LEFT'),
  i32('SMMU_AT_CFG_CONT'),
  i32('SMMU_AT_STALLED'),
  area('SMMU_AT_STATS', HOST.STAT_EVENTS + 256 * 4),
  area('SMMU_AT_ACTIONS', HOST.QUEUE_KINDS * HOST.ACTIONS_STRIDE),
  area('SMMU_AT_CONTEXTS', HOST.MAX_CONTEXTS * HOST.CTX_STRIDE),
  area('SMMU_AT_QUEUES', HOST.MAX_QUEUES * HOST.QUEUE_STRIDE),
  area('SMMU_AT_REGS', HOST.MAX_QUEUES * VCMDQ_STRIDE),
  area('SMMU_AT_ATC', ATS.ATC_PORTS * ATS.ATC_PORT_STRIDE),
  area('SMMU_AT_ATC_ENTRIES', ATS.ATC_PORTS * ATS.ATC_ENTRIES * ATS.ATC_ENTRY_SIZE),
  area('SMMU_AT_ATC_WAITS', HOST.MAX_QUEUES << ATS.ATC_WAIT_SHIFT),
  area('SMMU_AT_CFG_SETS', HOST.CFG_SETS * HOST.CFG_SET_STRIDE),
  area('SMMU_AT_CFG_ENTRIES', HOST.CFG_SETS * HOST.CFG_WAYS * HOST.CFG_ENTRY_SIZE),
  area('SMMU_AT_TLB_SEQ', HOST.TLB_SETS * HOST.TLB_SET_STRIDE),
  area('SMMU_AT_TLB', HOST.TLB_SETS * HOST.TLB_WAYS * HOST.TLB_ENTRY_SIZE),
  area('SMMU_AT_STALLS', HOST.MAX_STALLS * HOST.STALL_SIZE),
  area('SMMU_AT_VMIDS', HOST.VMID_PARTS * HOST.VMID_STRIDE),
  area('SMMU_AT_STREAMS', 64 * HOST.MAX_STREAMS * HOST.STREAM_ENTRY_SIZE),
  area('SMMU_AT_SHADOW', SHADOW.SHADOW_SIZE),
  area('SMMU_AT_CHECK', CHECK.CHECK_SIZE),
];

const STATS = Object.keys(HOST).filter(
  (name) => name.startsWith('STAT_') && name !== 'STAT_EVENTS',
);

const CONTEXT: readonly Piece[] = [
  ...[
    'CTX_ENABLED',
    'CTX_HYP_OWN',
    'CTX_VMID',
    'CTX_WINDOW',
    'CTX_PAGE0',
    'CTX_SMMU_OFF',
    'CTX_LVCMDQ_COUNT',
    'CTX_DOORBELL_CALLS',
    'CTX_LACKS',
    'CTX_BEYOND',
    'CTX_BEYOND_CDS',
    'CTX_BEYOND_TABLES',
    'CTX_NEXT_SLOT',
  ].map((name) => i32(name)),
  i32('CTX_STREAMS'),
  i32('CTX_STREAM_COUNT'),
  i32('CTX_SID_MATCH', CMDQV_SIDS_PER_VINTF),
  i32('CTX_SID_REPLACE', CMDQV_SIDS_PER_VINTF),
  area('CTX_SHOWN', HOST.SHOWN_SIZE),
  area('CTX_LVCMDQ_MAP', 256),
];

const QUEUE: readonly Piece[] = [
  ...[
    'QUEUE_OWNERS',
    'QUEUE_OWNER_THREAD',
    'QUEUE_KIND',
    'QUEUE_CTX',
    'QUEUE_ALLOCATED',
    'QUEUE_ENABLED',
    'QUEUE_LOG2SIZE',
  ].map((name) => i32(name)),
  ...[
    'QUEUE_RING_WINDOW',
    'QUEUE_RING',
    'QUEUE_REGS',
    'QUEUE_CONS',
    'QUEUE_ERR',
    'QUEUE_STATE',
    'QUEUE_GERROR',
  ].map((name) => i32(name)),
  ...['QUEUE_PARK_EPOCH', 'QUEUE_COMMANDS', 'QUEUE_SYNCS', 'QUEUE_ERRORS', 'QUEUE_REWRITES'].map(
    (name) => i64(name),
  ),
  i32('QUEUE_REASON'),
  i64('QUEUE_PARKED_D0'),
  i64('QUEUE_PARKED_D1'),
  i32('QUEUE_MSI_BITS'),
  i32('QUEUE_LVCMDQ'),
];

/** An AMD IOMMU's block and contexts: those shared with an SMMU's, and its own. */
const AMD_LAYOUT = { ...HOST, ...AMD };
const AMD_BLOCK: readonly Piece[] = [
  ...SMMU.filter(([name]) => /PARKED|ALL_GEN|STATS|CONTEXTS|QUEUES|REGS|TLB|VMIDS/.test(name)),
  i64('AMD_AT_DEVICE_TABLE'),
  i32('AMD_AT_ENABLED'),
];
const AMD_CONTEXT: readonly Piece[] = [
  ...[
    'CTX_WINDOW',
    'CTX_PAGE0',
    'CTX_DOORBELL_CALLS',
    'AMD_CTX_CONTROL',
    'AMD_CTX_STATUS',
    'AMD_CTX_EVENT_LENGTH',
  ].map((name) => i32(name)),
  ...[
    'AMD_CTX_EVENT_TAIL',
    'AMD_CTX_EVENT_OWNER',
    'AMD_CTX_EVENTS_LOST',
    'AMD_CTX_PPR_LENGTH',
    'AMD_CTX_PPR_HEAD',
    'AMD_CTX_PPR_TAIL',
    'AMD_CTX_PPRS_LOST',
    'AMD_CTX_TRANSLATE_DEVICE',
  ].map((name) => i32(name)),
  i32('AMD_CTX_COMMAND_BASE'),
  i64('AMD_CTX_EVENT_BASE'),
  i64('AMD_CTX_PPR_BASE'),
  i64('AMD_CTX_TABLES'),
  area('AMD_CTX_POINTERS', AMD_POINTERS_SIZE, 8),
];

const CFG_SET: readonly Piece[] = [i32('CFG_SET_SEQ'), i32('CFG_SET_VICTIM'), i64('CFG_SET_GEN')];
const CFG_ENTRY: readonly Piece[] = [
  ...[
    'CFG_VALID',
    'CFG_SID',
    'CFG_SSID',
    'CFG_CONFIG',
    'CFG_VMID',
    'CFG_ASID',
    'CFG_CD0',
    'CFG_CD1',
    'CFG_STE5',
    'CFG_STE2',
    'CFG_HAD',
    'CFG_DS',
  ].map((name) => i32(name)),
  ...['CFG_TTB0', 'CFG_TTB1', 'CFG_S2TTB'].map((name) => i64(name)),
  area('CFG_STE', HOST.CFG_STE_BYTES, 8),
];
const TLB_SET: readonly Piece[] = [
  i32('TLB_SET_SEQ'),
  i32('TLB_SET_VICTIM'),
  i32('TLB_SET_TAGS', HOST.TLB_WAYS),
];
const TLB_ENTRY: readonly Piece[] = [
  i32('TLB_META'),
  i32('TLB_ASID_PERM'),
  i64('TLB_PAGE'),
  i64('TLB_PA'),
  i64('TLB_GEN'),
  i64('TLB_ALL_GEN'),
  i32('TLB_LEAF'),
];
const VMID: readonly Piece[] = [
  i64('VMID_ANY_GEN'),
  i64('VMID_ALL_GEN'),
  i64('VMID_SIZES'),
  i64('VMID_FRACTURED'),
  i64('VMID_ASID_GEN', HOST.VMID_ASID_SLOTS),
];
const ATC_PORT: readonly Piece[] = [
  'SID',
  'REQUESTS',
  'COMPLETIONS',
  'MODE',
  'VICTIM',
  'GROUP',
  'GROUP_PASID',
].map((name) => i32(`ATC_PORT_${name}`));
const ATC_ENTRY: readonly Piece[] = [
  i32('ATC_META'),
  i32('ATC_TAG'),
  i64('ATC_PAGE'),
  i64('ATC_PA'),
];
const ATC_WAIT: readonly Piece[] = [i64('ATC_WAIT_PORTS'), i64('ATC_WAIT_DEADLINE')];

const INFO_PAGE: readonly Piece[] = [
  ...[
    'ABI_AT_MAGIC',
    'ABI_AT_VERSION',
    'ABI_AT_RAM_GPA_BASE',
    'ABI_AT_MEMORY_SIZE',
    'ABI_AT_VCPUS',
    'ABI_AT_MACHINE',
  ].map((name) => i32(name)),
  i32('ABI_AT_DEVICE_COUNT'),
  area('ABI_AT_DEVICES', ABI.ABI_MAX_DEVICES * ABI.ABI_DEVICE_SIZE, 8),
  area('ABI_AT_IRQ_EDGE', ABI.ABI_IRQ_LINES / 8, 8),
  area('ABI_AT_IRQ_LEVEL', ABI.ABI_IRQ_LINES / 8, 8),
  i32('ABI_AT_MAP_EPOCH'),
  i32('ABI_AT_MAP_ACK', ABI.ABI_MAX_VCPUS),
  i32('ABI_AT_MAP_COUNT'),
  area('ABI_AT_MAPS', ABI.ABI_MAX_MAPS * ABI.ABI_MAP_SIZE, 8),
  i64('ABI_AT_TIME'),
  i32('ABI_AT_EXITS'),
  i32('ABI_AT_INVALIDATING'),
  i32('ABI_AT_DRAIN_SLEEPING'),
  i32('ABI_AT_DRAIN_WAKE'),
  i32('ABI_AT_EXIT_REQUEST'),
  i32('ABI_AT_VCPU_EXITS', ABI.ABI_MAX_VCPUS),
  i32('ABI_AT_VCPU_INVALIDATING', ABI.ABI_MAX_VCPUS),
];
const ABI_DEVICE: readonly Piece[] = ['KIND', 'GPA', 'REGION_SIZE', 'IRQ', 'STREAM'].map((name) =>
  i32(`ABI_DEVICE_${name}`),
);
const ABI_MAP: readonly Piece[] = ['GPA', 'LENGTH', 'OFFSET', 'FLAGS', 'DOORBELL'].map((name) =>
  i32(`ABI_MAP_${name}`),
);

const PL011_REGISTERS: readonly Piece[] = [
  ...['DR', 'RSR', 'FR', 'IBRD', 'FBRD', 'LCRH', 'CR', 'IFLS', 'IMSC', 'RIS', 'MIS', 'ICR'].map(
    (name) => i32(`PL011_${name}`),
  ),
  i32('PL011_PERIPH_ID', 8),
];
const DMA_REGISTERS: readonly Piece[] = [
  ...[
    'ID',
    'CTRL',
    'STATUS',
    'LENGTH',
    'PATTERN',
    'DONE',
    'STREAM',
    'IRQ_ENABLE',
    'ATS',
    'PASID',
  ].map((name) => i32(`DMA_${name}`)),
  ...['SRC', 'DST', 'FAULT_ADDR'].map((name) => i64(`DMA_${name}`)),
];
const CHECKPOINT_REGISTERS: readonly Piece[] = [
  ...['ID', 'PHASE', 'RESULT'].map((name) => i32(`CHECKPOINT_${name}`)),
  i32('CHECKPOINT_DATA', CHECKPOINT.CHECKPOINT_DATA_WORDS),
];

const MAPS: readonly (readonly [
  what: string,
  layout: Layout,
  pieces: readonly Piece[],
  size: number,
])[] = [
  ['the header of host memory', HOST, HEADER, HOST.HOST_THREADS],
  ['a thread block', HOST, THREAD, HOST.THREAD_STRIDE],
  ['a segment block', HOST, SEGMENT_BLOCK, HOST.SEGMENTS_STRIDE],
  ['a segment', HOST, SEGMENT, HOST.SEGMENT_SIZE],
  ['an SMMU block', HOST, SMMU, HOST.SMMU_STRIDE],
  ['the counters of an SMMU', HOST, STATS.map((name) => i32(name)), HOST.STAT_EVENTS],
  ['a command context', HOST, CONTEXT, HOST.CTX_STRIDE],
  ['an AMD IOMMU block', AMD_LAYOUT, AMD_BLOCK, HOST.SMMU_STRIDE],
  ['a command context of an AMD IOMMU', AMD_LAYOUT, AMD_CONTEXT, HOST.CTX_STRIDE],
  ['a queue block', HOST, QUEUE, HOST.QUEUE_STRIDE],
  ['a set header of the configuration cache', HOST, CFG_SET, HOST.CFG_SET_STRIDE],
  ['an entry of the configuration cache', HOST, CFG_ENTRY, HOST.CFG_ENTRY_SIZE],
  ['a set header of the IOTLB', HOST, TLB_SET, HOST.TLB_SET_STRIDE],
  ['an entry of the IOTLB', HOST, TLB_ENTRY, HOST.TLB_ENTRY_SIZE],
  ['a VMID', HOST, VMID, HOST.VMID_STRIDE],
  ['an ATC port', ATS, ATC_PORT, ATS.ATC_PORT_STRIDE],
  ['an entry of an ATC', ATS, ATC_ENTRY, ATS.ATC_ENTRY_SIZE],
  ['what a queue waits for', ATS, ATC_WAIT, 1 << ATS.ATC_WAIT_SHIFT],
  ['the info page', ABI, INFO_PAGE, ABI.ABI_DIRECT_PAGES],
  ['an entry of the device table', ABI, ABI_DEVICE, ABI.ABI_DEVICE_SIZE],
  ['an entry of the direct map table', ABI, ABI_MAP, ABI.ABI_MAP_SIZE],
  ['the PL011', PL011, PL011_REGISTERS, PL011.PL011_REGION_SIZE],
  ['the DMA engine', DMA, DMA_REGISTERS, DMA.DMA_REGION_SIZE],
  ['the checkpoint device', CHECKPOINT, CHECKPOINT_REGISTERS, CHECKPOINT.CHECKPOINT_REGION_SIZE],
];

describe('memory maps', () => {
  it.each(MAPS)('%s places its parts next to each other', (_, layout, pieces, size) => {
    expect(faults(layout, pieces, size)).toEqual([]);
  });

  it('reports an overlap, a gap in alignment and an end beyond the block', () => {
    expect(faults({ A: 0, B: 4, C: 14 }, [i64('A'), i32('B'), i64('C')], 16)).toEqual([
      'B overlaps A',
      'C is not aligned to 8',
      'C ends at 22, beyond 16',
    ]);
  });

  it.each([
    ['HOST_AT_*', HOST, /^HOST_AT_/, HEADER],
    ['THREAD_*', HOST, /^THREAD_(?!STRIDE)/, THREAD],
    ['SEGMENTS_*', HOST, /^SEGMENTS_(?!STRIDE)/, SEGMENT_BLOCK],
    ['SMMU_AT_*', HOST, /^SMMU_AT_/, SMMU],
    ['CTX_*', HOST, /^CTX_(?!STRIDE|HOST$)/, CONTEXT],
    ['AMD_CTX_*', AMD, /^AMD_CTX_/, AMD_CONTEXT],
    ['ABI_AT_*', ABI, /^ABI_AT_/, INFO_PAGE],
    [
      'DMA_*',
      DMA,
      /^DMA_(?!OP_|STATUS_|ATS_|PASID_|ID_VALUE|REGION_SIZE|STEP_LENGTH|MAX_LENGTH)/,
      DMA_REGISTERS,
    ],
  ] as const)('places every %s', (_, layout, prefix, pieces) => {
    expect(unplaced(layout, prefix, pieces)).toEqual([]);
  });

  it('places the areas of host memory one after the other', () => {
    const threads = HOST.HOST_THREADS + HOST.MAX_THREADS * HOST.THREAD_STRIDE;
    expect(threads).toBeLessThanOrEqual(HOST.HOST_SEGMENTS);
    const segments = HOST.HOST_SEGMENTS + HOST.MAX_THREADS * HOST.SEGMENTS_STRIDE;
    expect(segments).toBeLessThanOrEqual(HOST.HOST_SMMUS);
    expect(HOST.SMMU_STRIDE % 0x10000).toBe(0);
    expect(HOST.QUEUE_MAIN).toBe(128);
    expect(HOST.QUEUE_GUEST).toBeGreaterThan(HOST.QUEUE_MAIN);
    // The contexts of VINTFs, of vIOMMUs, and the one of the host.
    expect(CMDQV_MAX_VINTFS + HOST.MAX_VIOMMUS).toBe(HOST.CTX_HOST);
    expect(HOST.CTX_HOST + 1).toBe(HOST.MAX_CONTEXTS);
    expect(HOST.QUEUE_ECMDQ).toBeGreaterThanOrEqual(HOST.QUEUE_GUEST + HOST.MAX_VIOMMUS);
    expect(HOST.QUEUE_ECMDQ + HOST.ECMDQS_PER_SMMU * (1 + HOST.MAX_VIOMMUS)).toBeLessThanOrEqual(
      HOST.MAX_QUEUES,
    );
  });

  it('has room for the sequence word of every thread, and dense action codes', () => {
    expect(HOST.MAX_THREADS << HOST.SEQ_THREAD_SHIFT).toBeLessThanOrEqual(HOST.SEQ_STEP);
    const codes = Object.entries(HOST).filter(([name]) => name.startsWith('ACTION_'));
    expect(codes.map(([, code]) => code).sort((a, b) => a - b)).toEqual(codes.map((_, i) => i));
  });

  it('has the ABI area that guests of version 1 link above', () => {
    expect(ABI.ABI_VERSION).toBe(1);
    expect(ABI.ABI_MAGIC).toBe(Buffer.from('VMSU').readUInt32LE());
    expect(ABI.ABI_AREA_SIZE).toBe(0x100000);
    expect(ABI.ABI_DIRECT_PAGES + ABI.ABI_DIRECT_PAGE_COUNT * ABI.ABI_PAGE_SIZE).toBe(
      ABI.ABI_AREA_SIZE,
    );
    expect([ABI.RUN_IDLE, ABI.RUN_YIELD, ABI.RUN_OFF]).toEqual([0, 1, 2]);
  });

  it('spells the kinds of devices in ASCII', () => {
    const kinds = Object.entries(ABI).filter(([name]) => name.startsWith('ABI_KIND_'));
    const spelled = Object.fromEntries(
      kinds.map(([name, kind]) => [
        name.slice('ABI_KIND_'.length),
        Buffer.from(Uint32Array.of(kind).buffer).toString(),
      ]),
    );
    expect(spelled).toEqual({
      SMMUV3: 'smu3',
      CMDQV: 'cmdv',
      PL011: 'uart',
      DMA: 'dmae',
      CHECKPOINT: 'ckpt',
      AMD_IOMMU: 'amdi',
    });
  });
});
