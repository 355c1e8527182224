// SPDX-License-Identifier: MIT
// Results of the requests of an endpoint with ATS (IHI 0070 section 3.9.1.2).

/** Status of a Translation Completion: Success. */
export const ATS_SUCCESS = 0;
/** Unsupported Request: ATS is off for the stream. */
export const ATS_UR = 1;
/** Completer Abort: the stream's configuration is faulty. */
export const ATS_CA = 2;

/**
 * In the result of a translation request, the granted permissions are above the status, a
 * sum of ATS_*; none is a denial (section 13.7).
 */
export const ATS_GRANTED_SHIFT = 8;
export const ATS_READ = 1;
export const ATS_WRITE = 2;
export const ATS_EXECUTE = 4;

// Results of an access through an ATC, in addition to the status of its translation
// request.
/** The translation grants no such access. */
export const ATC_DENIED = 3;
/** The SMMU has refused the translated transaction, or the endpoint is isolated. */
export const ATC_REFUSED = 4;

/** In place of a port: none is free, or the endpoint has none. */
export const ATC_NO_PORT = -1;
