export { Checkpoint, type CheckpointOptions } from './checkpoint.ts';
