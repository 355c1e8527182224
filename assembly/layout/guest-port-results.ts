// SPDX-License-Identifier: MIT
// Results of the guest port.

/** In place of an offset: the bytes are not in one region of the guest's RAM. */
export const NO_OFFSET = 0xffffffff;
