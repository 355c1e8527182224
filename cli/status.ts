// Exit statuses: every check holds, a check failed, the command could not be carried out as it was given.
export const EXIT_OK = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;
