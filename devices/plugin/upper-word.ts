// SPDX-License-Identifier: MIT
// What the upper word of a register of 64 bits is called.

/** Its name, from that of the register. */
export function upperWord(name: string): string {
  return `${name}[63:32]`;
}
