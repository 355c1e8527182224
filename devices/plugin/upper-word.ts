// SPDX-License-Identifier: MIT
// The name of the upper word of a 64-bit register.

/** Its name, derived from that of the register. */
export function upperWord(name: string): string {
  return `${name}[63:32]`;
}
