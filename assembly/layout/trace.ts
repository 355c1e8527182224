// The trace ring in host memory: what the drain has done, when someone wants to know. Written by the drain on any thread, read by the VMM.
//
// The ring consists of units. A writer takes the units of a record at once (HOST_AT_TRACE_NEXT), fills them, and last of all writes the index
// of the first unit, plus 1, to that unit's sequence word. A reader that finds another value there has come too early, or has been overtaken by a
// whole ring; what it copies counts if the writers have not come round meanwhile.

export const TRACE_UNIT = 32;
export const TRACE_SEQUENCE = 0x00;
/** TRACE_KIND_* in bits [7:0], thread block in [15:8], SMMU in [22:16], queue block in [31:23]. */
export const TRACE_WHAT = 0x04;
/** f64, milliseconds on the clock of the host's own thread. */
export const TRACE_TIME = 0x08;
/** Units of the record, the first one included. */
export const TRACE_UNITS = 0x10;
/** By kind. */
export const TRACE_A = 0x14;
export const TRACE_B = 0x18;

/** A doorbell call, one unit. A: offset of the register that was stored; B: u32, the doorbell's id. The queue is not known: 0. */
export const TRACE_KIND_DOORBELL = 1;
/**
 * A run of commands of one queue. A: how many were read, bit 31 set when the last of them was not carried out; B: f64, milliseconds that the run
 * took. The commands follow, 16 bytes each, from the second unit on.
 */
export const TRACE_KIND_RUN = 2;
export const TRACE_REFUSED = 0x80000000;
