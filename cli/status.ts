// SPDX-License-Identifier: MIT
// Exit statuses: every check holds, a check failed, the command could not be carried out as it was given.
export const EXIT_OK = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;
// Ended by a signal, and what there was to write is written: as shells report it, 128 and the signal's number.
export const EXIT_SIGINT = 130;
export const EXIT_SIGTERM = 143;
