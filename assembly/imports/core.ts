// Imports of the drain from the SMMU core (the file's name is the import module's name): the writers of the trace ring.

export declare function traceDoorbell(smmu: usize, id: u32, offset: u32): void;
export declare function traceRun(smmu: usize, queue: usize, most: u32): u32;
export declare function traceCommand(run: u32, number: u32, d0: u64, d1: u64): void;
export declare function endTraceRun(run: u32, commands: u32, refused: bool): void;
