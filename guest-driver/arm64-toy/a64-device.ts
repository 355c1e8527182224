// SPDX-License-Identifier: MIT
// What the steps of the arm64 toy do to its queues, its stream and its DMA engine, and
// how they wait for interrupts.

import {
  DMA_ATS,
  DMA_OP_COPY,
  DMA_OP_VERIFY,
  DMA_PATTERN,
  DMA_STATUS_DONE,
} from '../../assembly/layout/dma-engine-registers.ts';
import { COMMAND_STREAM_CONFIGURATION, LIVE_PAGES, STE_ABORT } from './a64-formats.ts';
import {
  CMDQ_QUEUE,
  LIVE_IOVA,
  PATIENCE,
  SHORT_PATIENCE,
  SOURCE,
  SOURCE_IOVA,
  STREAM,
  STREAM_TABLE,
  TARGET,
  TARGET_IOVA,
  VCMDQ_QUEUE,
} from './a64-places.ts';
import type { A64Source } from './a64-source.ts';

/** Bytes of a DMA that shows whether a page can be accessed. */
export const PROBE_BYTES = 256;
export const LIVE_PATTERN = 0x6c697665;
/** The engine's STE. */
export const STE = STREAM_TABLE + 64 * STREAM;

/** x9 is the queue of invalidations. */
export const useQueue = (isDirect: boolean) =>
  `add x9, x26, #${isDirect ? VCMDQ_QUEUE : CMDQ_QUEUE}`;

/** Puts a command into the queue at x9. */
export const put = (s: A64Source, first: bigint | number, second: bigint | number = 0) => `
${s.move('x0', first)}
${s.move('x1', second)}
bl put_command`;

export const fill = (s: A64Source, address: number, bytes: number, pattern: number) => `
${s.move('x0', address)}
${s.move('x1', bytes)}
${s.move('x2', pattern)}
bl fill`;

/** Copies by DMA; w11 is the status, w12 whether the target equals the source. */
export const copy = (s: A64Source, bytes: number) => `
${s.move('w0', DMA_OP_COPY)}
${s.move('x1', SOURCE_IOVA)}
${s.move('x2', TARGET_IOVA)}
${s.move('w3', bytes)}
bl dma
mov w11, w0
${s.move('x0', SOURCE)}
${s.move('x1', TARGET)}
${s.move('x2', bytes)}
bl same
mov w12, w0`;

export const sayStatus = (s: A64Source) => `${s.say('DMA status ')}\n${s.sayNumber('w11', 10)}`;

/** w1 is 1 when the copy has gone through: status done, and all bytes there. */
export const copied = `
cmp w11, #${DMA_STATUS_DONE}
cset w1, eq
and w1, w1, w12`;

/** Waits until the word of a variable is w13; w1 is 1 when it is. */
export function awaitWord(s: A64Source, variable: number): string {
  const [look, end] = [s.label(), s.label()];
  return `
ldr w14, [x26, #${PATIENCE}]
${look}:
ldr w8, [x26, #${variable}]
cmp w8, w13
cset w1, eq
b.eq ${end}
sub x14, x14, #1
cbnz x14, ${look}
${s.set32('x26', PATIENCE, SHORT_PATIENCE)}
${end}:`;
}

/** The engine compares bytes at an iova with a pattern; w0 is the status. */
export const verify = (s: A64Source, iova: number, pattern: number, bytes: number): string => `
${s.set32('x23', DMA_PATTERN, pattern)}
${s.move('w0', DMA_OP_VERIFY)}
${s.move('x1', iova)}
mov x2, #0
${s.move('w3', bytes)}
bl dma`;

/**
 * The engine verifies the live pages, whose translations are then cached; w0 is its
 * status.
 */
export const verifyLive = (s: A64Source): string =>
  verify(s, LIVE_IOVA, LIVE_PATTERN, LIVE_PAGES * 0x1000);

/** Sets the engine's use of ATS, which empties its ATC. */
export const setAts = (s: A64Source, mode: number): string => s.set32('x23', DMA_ATS, mode);

/** The SMMU reads the engine's STE again; w15 stays 1 if the command completes. */
const invalidateSte = (s: A64Source) => `
add x9, x26, #${CMDQ_QUEUE}
${put(s, ...COMMAND_STREAM_CONFIGURATION)}
bl complete
and w15, w15, w0`;

/**
 * Attaches the aborting stream. The SMMU may read the STE at any time: doubleword 0,
 * which makes it valid for stage 1, is written last. w15 becomes 1 when all commands
 * complete.
 */
export const attach = (s: A64Source, stage1: bigint, attributes: bigint): string => `
mov w15, #1
${s.fill64(STE + 8, [attributes])}
${invalidateSte(s)}
${s.fill64(STE, [stage1])}
${invalidateSte(s)}`;

/** The same for a stream in use, which aborts in between. */
export const reattach = (s: A64Source, stage1: bigint, attributes: bigint): string => `
mov w15, #1
${s.fill64(STE, [STE_ABORT])}
${invalidateSte(s)}
mov w16, w15
${attach(s, stage1, attributes)}
and w15, w15, w16`;

/** w1 is 1 when the status in a register is DONE. */
export const isDone = (status: string): string => `
cmp ${status}, #${DMA_STATUS_DONE}
cset w1, eq`;
