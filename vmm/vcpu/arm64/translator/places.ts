// Places of instructions: how many they are behind the start of the home page of a region.

/** Instructions of a page. */
export const PAGE_INSTRUCTIONS = 1024;

/** Which page a place is in: 0 is the home page. */
export const pageOf = (place: number): number => Math.floor(place / PAGE_INSTRUCTIONS);
