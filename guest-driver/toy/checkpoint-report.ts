// SPDX-License-Identifier: MIT
// Reports the guest's progress and results to the host, through the checkpoint device and
// on the console.

import {
  CHECKPOINT_DATA,
  CHECKPOINT_MAX_TEXT,
  CHECKPOINT_PHASE,
  CHECKPOINT_PHASE_END,
  CHECKPOINT_RESULT,
} from '../../assembly/layout/checkpoint-registers';
import { gpaOf } from '../runtime/abi';
import { flushLine } from '../runtime/console';
import { write32 } from '../runtime/mmio';
import { put, putBytes, textLength, textStart, truncateText } from '../runtime/text';
import { toy } from './toy-state';

/**
 * Copies of name and detail, so that the line buffer is free for the line on the console.
 */
const NAME: usize = memory.data(240, 8);
const DETAIL: usize = memory.data(240, 8);

/** Sets one of the eight words that accompany the next phase or result. */
export function setData(index: u32, value: u32): void {
  const gpa = toy().checkpointGpa;
  if (gpa != 0) write32(gpa + CHECKPOINT_DATA + index * 4, value);
}

/** Reports that a phase (CHECKPOINT_PHASE_*) begins. */
export function beginPhase(phase: u32): void {
  const gpa = toy().checkpointGpa;
  if (gpa != 0) write32(gpa + CHECKPOINT_PHASE, phase);
}

/** Reports that a phase has ended. */
export function endPhase(phase: u32): void {
  beginPhase(phase | <u32>CHECKPOINT_PHASE_END);
}

function copyCut(target: usize, source: usize, length: usize): u32 {
  const cut = min<usize>(length, CHECKPOINT_MAX_TEXT);
  memory.copy(target, source, cut);
  return <u32>cut;
}

/**
 * Reports a check: its name, whether it passed, and the contents of the line buffer,
 * which is emptied, as detail.
 * @returns `ok`.
 */
export function check(name: string, ok: bool): bool {
  const state = toy();
  const detailLength = copyCut(DETAIL, textStart(), textLength());
  truncateText(0);
  put(name);
  const nameLength = copyCut(NAME, textStart(), textLength());
  truncateText(0);
  state.checks++;
  if (!ok) state.failures++;
  if (state.checkpointGpa != 0) {
    setData(0, gpaOf(NAME));
    setData(1, nameLength);
    setData(2, gpaOf(DETAIL));
    setData(3, detailLength);
    write32(state.checkpointGpa + CHECKPOINT_RESULT, ok ? 1 : 0);
  }
  put(ok ? '       ok    ' : '       FAIL  ');
  put(name);
  if (detailLength != 0) {
    put(': ');
    putBytes(DETAIL, detailLength);
  }
  flushLine();
  return ok;
}

/**
 * Reports a check that later steps depend on: if it fails, the toy skips to its last
 * step.
 */
export function need(name: string, ok: bool): bool {
  if (!ok) toy().broken = 1;
  return check(name, ok);
}
