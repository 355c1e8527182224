// Imports of the drain from the SMMU core (the file's name is the import module's name):
// its clock, and the writers of the trace ring.

/** Milliseconds since HOST_AT_EPOCH. */
export declare function clock(): f64;
export declare function traceDoorbell(smmu: usize): void;
export declare function traceRun(smmu: usize, queue: usize, most: u32): usize;
export declare function endTraceRun(commandsAt: usize, commands: u32, refused: bool): void;
