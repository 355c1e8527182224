// SPDX-License-Identifier: MIT
// Results of driver functions: RESULT_OK or a negative reason.

export const RESULT_OK = 0;
/** An awaited state was not reached within the stated number of polls. */
export const RESULT_TIMEOUT = -1;
/** The device lacks what the driver needs. */
export const RESULT_UNSUPPORTED = -2;
/** Guest memory is exhausted. */
export const RESULT_NO_MEMORY = -3;
/** The board has no such device. */
export const RESULT_NO_DEVICE = -4;
/** An argument is out of range, or a batch is larger than the queue. */
export const RESULT_BAD_ARGUMENT = -5;
/** The queue is not enabled. */
export const RESULT_QUEUE_OFF = -6;
/** The iova is mapped already. */
export const RESULT_EXISTS = -7;
