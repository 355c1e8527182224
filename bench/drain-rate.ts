// SPDX-License-Identifier: MIT
// The drain's time for each command, next to that of the same loop in C.

import {
  type DrainBoard,
  LOG2SIZE,
  PAGE0,
  SMMU,
  TLB_ENTRIES,
  VINTF,
  VIRTUAL_SID,
} from './drain-board.ts';
import { type Measurand, measure } from './measure.ts';
import type { NativeDrain } from './native.ts';
import { PAGES } from './streams.ts';

/** Nanoseconds for one command. */
export interface DrainRow {
  readonly opcode: string;
  readonly batch: number;
  readonly iotlb: 'empty' | 'full';
  readonly wasm: number;
  /** Time with a unit of separate modules, where `wasm` is one module. */
  readonly separate?: number;
  readonly c?: number;
  /** Throughput as a fraction of that of native code. */
  readonly ratio?: number;
}

export interface DrainResults {
  readonly rows: readonly DrainRow[];
  /** TLBI_NH_ASID in full batches, full IOTLB to empty one. */
  readonly asidFullToEmpty: number;
  /** A doorbell with nothing to do. */
  readonly emptyDoorbell: number;
  readonly separateEmptyDoorbell?: number;
}

const BATCHES = [1, 16, 64, 256];
const COMMANDS = 10_000;
const QUICK_COMMANDS = 4_000;
/** Slots of the ring. */
const LAP = 1 << LOG2SIZE;
const PROD_MASK = (2 << LOG2SIZE) - 1;
// Addresses of invalidations are outside the IOTLB's contents, so that a full one stays
// full.
const ELSEWHERE = 0x1000_0000_0000n;
export const OPCODES: Readonly<Record<string, (slot: number) => readonly bigint[]>> = {
  SYNC: () => [0x46n],
  NH_ASID: () => [0x0001_0000_0000_0011n],
  NH_VA: (slot) => [0x0001_0000_0000_0012n, ELSEWHERE + (BigInt(slot) << 12n)],
  // One page of 4 KiB at level 3, in the form that drivers use where ranges are
  // supported.
  NH_VA_PAGE: (slot) => [0x0001_0000_0000_0012n, (ELSEWHERE + (BigInt(slot) << 12n)) | 0x700n],
  // 16 pages of 4 KiB.
  NH_VA_RANGE: (slot) => [0x0001_0000_0000_f012n, (ELSEWHERE + (BigInt(slot) << 16n)) | 0x400n],
  S12_VMALL: () => [0x28n],
  ATC_INV: () => [(BigInt(VIRTUAL_SID) << 32n) | 0x40n, 52n],
};

/** A combination that is measured. */
export type DrainCell = Pick<DrainRow, 'opcode' | 'batch' | 'iotlb'>;

/** Rings a board's queue from its current PROD; returns PROD. */
function ring({ loops, queue }: DrainBoard, batches: number, batch: number): number {
  return loops.ring(batches, batch, PAGE0, VINTF, queue.cons, PROD_MASK) >>> 0;
}

/** Fills the IOTLB by translating through the first stream. */
function fillTlb({ loops, streams: [stream], tlbEntries }: DrainBoard): void {
  if (stream) loops.access(PAGES * 2, SMMU, stream.sid, BigInt(stream.iova), stream.shift, PAGES);
  if (tlbEntries() < 0.97 * TLB_ENTRIES)
    throw new Error(`the IOTLB is not full: ${tlbEntries()} entries`);
}

function batchesOf({ opcode, batch }: DrainCell, quick: boolean): number {
  const commands = quick ? QUICK_COMMANDS : COMMANDS;
  return Math.ceil(commands / batch / (opcode === 'NH_VA_RANGE' ? 8 : 1));
}

/** The subject for a board's drain. */
export function drainSubject(
  name: string,
  on: DrainBoard,
  cell: DrainCell,
  quick: boolean,
): Measurand {
  const { opcode, batch, iotlb } = cell;
  const batches = batchesOf(cell, quick);
  const command = OPCODES[opcode];
  if (!command) throw new Error(`there is no command ${opcode}`);
  return {
    name,
    steps: batches * batch,
    prepare() {
      on.fillRing(command);
      on.emptyTlb();
      if (iotlb === 'full') fillTlb(on);
      // An untimed lap: filling the IOTLB has evicted the processor's caches.
      ring(on, LAP / batch, batch);
    },
    run() {
      const prod = ring(on, batches, batch);
      if (on.queue.cons !== prod)
        throw new Error(`${opcode}: CONS is ${on.queue.cons}, not ${prod}`);
      return undefined;
    },
  };
}

/** The subject for the same commands in C. */
export function nativeSubject(
  name: string,
  native: NativeDrain,
  cell: DrainCell,
  quick: boolean,
): Measurand {
  const { opcode, batch, iotlb } = cell;
  const batches = batchesOf(cell, quick);
  return {
    name,
    steps: batches * batch,
    run: () => native.run(opcode, batch, batches, iotlb === 'full'),
  };
}

/**
 * @param separate a board whose unit consists of separate modules, where that of `board`
 *   is one module.
 */
export async function measureDrain(
  board: DrainBoard,
  separate: DrainBoard | undefined,
  native: NativeDrain | undefined,
  rounds: number,
  quick: boolean,
): Promise<DrainResults> {
  const units = new Map([['wasm', board]]);
  if (separate) units.set('separate', separate);
  const subjects: Measurand[] = [];
  const cells: DrainCell[] = [];
  const nameOf = (program: string, { opcode, batch, iotlb }: DrainCell) =>
    `${program} ${opcode} ${batch} ${iotlb}`;
  for (const opcode of Object.keys(OPCODES)) {
    for (const batch of BATCHES) {
      for (const iotlb of ['empty', 'full'] as const) {
        const cell = { opcode, batch, iotlb };
        cells.push(cell);
        for (const [program, on] of units)
          subjects.push(drainSubject(nameOf(program, cell), on, cell, quick));
        if (native) subjects.push(nativeSubject(nameOf('C', cell), native, cell, quick));
      }
    }
  }
  const rings = quick ? 2_000 : 10_000;
  for (const [program, on] of units)
    subjects.push({
      name: `${program} empty doorbell`,
      steps: rings,
      run() {
        on.loops.ringEmpty(rings, VINTF);
        return undefined;
      },
    });
  const results = await measure(subjects, rounds);
  const of = (name: string) => results.get(name) ?? Number.NaN;
  const rows = cells.map((cell): DrainRow => {
    const wasm = of(nameOf('wasm', cell));
    const c = results.get(nameOf('C', cell));
    return {
      ...cell,
      wasm,
      ...(separate ? { separate: of(nameOf('separate', cell)) } : {}),
      ...(c === undefined ? {} : { c, ratio: c / wasm }),
    };
  });
  return {
    rows,
    asidFullToEmpty: of('wasm NH_ASID 256 full') / of('wasm NH_ASID 256 empty'),
    emptyDoorbell: of('wasm empty doorbell'),
    ...(separate ? { separateEmptyDoorbell: of('separate empty doorbell') } : {}),
  };
}
