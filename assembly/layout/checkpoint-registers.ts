// Register map of the checkpoint device: a guest tells its host what it is doing and what came of it (as QEMU's debug-exit
// device does, with more words). All registers are 32-bit.

export const CHECKPOINT_REGION_SIZE = 0x1000;
export const CHECKPOINT_ID = 0x00;
export const CHECKPOINT_ID_VALUE = 0x31504b43; // "CKP1"
/** Write a CHECKPOINT_PHASE_* to say that it begins, with bit 31 set that it has ended. Reads the last value written. */
export const CHECKPOINT_PHASE = 0x04;
export const CHECKPOINT_PHASE_END = 0x80000000;
/** Result of a check: write its number, bit 31 set when it failed. */
export const CHECKPOINT_RESULT = 0x08;
export const CHECKPOINT_RESULT_FAILED = 0x80000000;
/** Four words of free payload that go with the next PHASE or RESULT write. */
export const CHECKPOINT_DATA = 0x10;
export const CHECKPOINT_DATA_WORDS = 8;

/** Another machine of the host is being attacked: the host compares its state before and after. */
export const CHECKPOINT_PHASE_ATTACK = 1;
/** A measurement: at the end DATA holds path, batch, samples and exits; see docs/guest-abi.md. */
export const CHECKPOINT_PHASE_MEASURE = 2;
