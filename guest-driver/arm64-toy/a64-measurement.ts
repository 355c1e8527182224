// SPDX-License-Identifier: MIT
// Step 18 of the arm64 toy: unmaps on the direct and the trapped path. It only executes
// them, in phases that it reports to the host: the host has its own clock, and counts the
// exits.

import {
  CHECKPOINT_DATA,
  CHECKPOINT_PATH_DIRECT,
  CHECKPOINT_PATH_TRAPPED,
  CHECKPOINT_PHASE,
  CHECKPOINT_PHASE_END,
  CHECKPOINT_PHASE_MEASURE,
} from '../../assembly/layout/checkpoint-registers.ts';
import { COMMAND_PAGE, leafOf, writablePage } from './a64-formats.ts';
import { CMDQ_QUEUE, FAILED_BATCHES, SCRATCH, SCRATCH_IOVA, VCMDQ_QUEUE } from './a64-places.ts';
import type { A64Source } from './a64-source.ts';

/** Batches of a phase, which is one sample. */
export const BATCHES = 16;
/** Commands of a batch, apart from its CMD_SYNC. */
export const SIZES = [1, 16, 64];

/** Sends a TLBI for each of w11 pages from the operand x13 on, to the queue at x9. */
export const sendPages = (s: A64Source): string => {
  const page = s.label();
  return `
${page}:
${s.move('x0', COMMAND_PAGE)}
mov x1, x13
bl put_command
add x13, x13, #0x1, lsl #12
sub x11, x11, #1
cbnz x11, ${page}`;
};

/**
 * A phase: pages are mapped and unmapped, then invalidated batch by batch, page by page.
 */
function phase(s: A64Source, path: number, size: number): string {
  const [map, unmap, batch] = [s.label(), s.label(), s.label()];
  const pages = size * BATCHES;
  const queue = path === CHECKPOINT_PATH_DIRECT ? VCMDQ_QUEUE : CMDQ_QUEUE;
  return `
${s.move('x10', leafOf(SCRATCH_IOVA))}
${s.move('x11', pages)}
${s.move('x12', writablePage(SCRATCH))}
${map}:
str x12, [x10], #8
sub x11, x11, #1
cbnz x11, ${map}
${s.move('x11', pages)}
${unmap}:
sub x10, x10, #8
str xzr, [x10]
sub x11, x11, #1
cbnz x11, ${unmap}
${s.set32('x20', CHECKPOINT_DATA, path)}
${s.set32('x20', CHECKPOINT_DATA + 4, size)}
${s.set32('x20', CHECKPOINT_DATA + 16, BATCHES)}
${s.set32('x20', CHECKPOINT_PHASE, CHECKPOINT_PHASE_MEASURE)}
add x9, x26, #${queue}
${s.move('x12', BATCHES)}
${s.move('x13', SCRATCH_IOVA + 1)}
${batch}:
${s.move('x11', size)}
${sendPages(s)}
bl complete
ldr w8, [x26, #${FAILED_BATCHES}]
add w8, w8, #1
sub w8, w8, w0
str w8, [x26, #${FAILED_BATCHES}]
sub x12, x12, #1
cbnz x12, ${batch}
${s.set32('x20', CHECKPOINT_PHASE, CHECKPOINT_PHASE_MEASURE + CHECKPOINT_PHASE_END)}
`;
}

/**
 * @param paths CHECKPOINT_PATH_*, in this order within each round, so that other load on
 *   the computer affects all of them.
 * @param rounds samples of each path and size.
 */
export function measurement(
  s: A64Source,
  paths: readonly ('direct' | 'trapped')[],
  rounds: number,
): string {
  const round = s.label();
  const phases = SIZES.flatMap((size) =>
    paths.map((path) =>
      phase(s, path === 'direct' ? CHECKPOINT_PATH_DIRECT : CHECKPOINT_PATH_TRAPPED, size),
    ),
  );
  return `
${s.title(18, 'measure unmapping')}
${s.move('x15', rounds)}
${round}:
${phases.join('\n')}
sub x15, x15, #1
cbnz x15, ${round}
ldr w11, [x26, #${FAILED_BATCHES}]
${s.say(`${rounds} rounds, `)}
${s.sayNumber('w11', 10)}
${s.say(' batches failed')}
cmp w11, #0
cset w1, eq
${s.check('measurement')}
`;
}
