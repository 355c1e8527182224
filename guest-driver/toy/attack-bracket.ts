// SPDX-License-Identifier: MIT
// The frame of an attack. Between begin and end the host compares the state of the other
// machines. Afterwards the guest brings its own entries, which its commands did
// invalidate, back into the TLB as targets for the others.

import { CHECKPOINT_PHASE_ATTACK } from '../../assembly/layout/checkpoint-registers';
import { put } from '../runtime/text';
import { beginPhase, check, endPhase, setData } from './checkpoint-report';
import { touchLive } from './dma-steps';

/** @param kind number of the attack, from 1; the host gets it as DATA 0. */
export function beginAttack(kind: u32): void {
  setData(0, kind);
  beginPhase(CHECKPOINT_PHASE_ATTACK);
}

/**
 * Ends the attack and reports as `name` whether this guest's own result was the expected
 * one; the detail is in the line buffer.
 */
export function endAttack(name: string, expected: bool): void {
  endPhase(CHECKPOINT_PHASE_ATTACK);
  const alive = touchLive();
  if (!alive) put(', own DMA fails');
  check(name, expected && alive);
}
