// SPDX-License-Identifier: MIT
// Exit statuses: all checks passed, a check failed, the command could not be carried out as given.
export const EXIT_OK = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;
// Ended by a signal, after all output was written: as in shells, 128 plus the signal's number.
export const EXIT_SIGHUP = 129;
export const EXIT_SIGINT = 130;
export const EXIT_SIGQUIT = 131;
export const EXIT_SIGTERM = 143;
