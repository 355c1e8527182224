// The host's clock: the only JavaScript function that a hot module can call, and it does so only while something is traced.

/** Milliseconds since HOST_AT_EPOCH. */
export declare function now(): f64;
