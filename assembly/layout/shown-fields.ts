// SPDX-License-Identifier: MIT
// The fields of ID registers against which CDs and translation tables are judged, as bits
// of CTX_BEYOND_CDS and CTX_BEYOND_TABLES.

export const SHOWN_HTTU = 0;
export const SHOWN_ASID16 = 1;
export const SHOWN_TTENDIAN = 2;
export const SHOWN_STALL_MODEL = 3;
export const SHOWN_TERM_MODEL = 4;
export const SHOWN_HAD = 5;
export const SHOWN_OAS = 6;
export const SHOWN_GRAN4K = 7;
export const SHOWN_GRAN16K = 8;
export const SHOWN_GRAN64K = 9;
export const SHOWN_DS = 10;
export const SHOWN_VAX = 11;
export const SHOWN_FIELDS = 12;
