// SPDX-License-Identifier: MIT

export {
  CHECKPOINT_PHASE_ATTACK,
  CHECKPOINT_PHASE_MEASURE,
  CHECKPOINT_PHASE_TRACE,
} from '../../assembly/layout/checkpoint-registers.ts';
export { Checkpoint, type CheckpointOptions } from './checkpoint.ts';
