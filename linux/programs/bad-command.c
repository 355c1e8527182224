// SPDX-License-Identifier: MIT
// Behaves like a faulty driver: writes a command that no command queue knows into a VCMDQ
// of VINTF 0 and rings its doorbell, without the kernel's knowledge: bad-command LVCMDQ.
#include "system-calls.h"

/** Address of the board's CMDQV, and in it the two pages of VINTF 0 (docs/cmdqv.md). */
enum { CMDQV = 0xb000000, VINTF0_PAGE0 = 0x30000, VINTF0_PAGE1 = 0x40000 };
enum { LVCMDQ_STRIDE = 0x80, LVCMDQS = 128 };
/** Word of PROD on page 0. */
enum { PROD = 1 };
/** VCMDQ_BASE: LOG2SIZE, and the bits of the address. */
static const u64 BASE_LOG2SIZE = 0x1f;
static const u64 BASE_ADDRESS = 0xffffffffffe0;
enum { COMMAND_SIZE = 16, UNKNOWN_OPCODE = 0xff };

int mainOf(int argc, char **argv) {
  long lvcmdq = argc == 2 ? numberOf(argv[1]) : -1;
  if (lvcmdq < 0 || lvcmdq >= LVCMDQS) {
    print("bad-command LVCMDQ\n");
    return 2;
  }
  u64 offset = (u64)lvcmdq * LVCMDQ_STRIDE;
  volatile u32 *registers = (volatile u32 *)mapPhysical(CMDQV + VINTF0_PAGE0 + offset);
  u64 base = *(volatile u64 *)mapPhysical(CMDQV + VINTF0_PAGE1 + offset);
  u32 size = (u32)1 << (base & BASE_LOG2SIZE);
  u32 prod = registers[PROD];
  volatile u64 *command =
      (volatile u64 *)mapPhysical((base & BASE_ADDRESS) + (u64)(prod & (size - 1)) * COMMAND_SIZE);
  command[0] = UNKNOWN_OPCODE;
  command[1] = 0;
  __asm__ volatile("dsb st" ::: "memory");
  // The bit above the index is WRAP.
  registers[PROD] = (prod + 1) & (2 * size - 1);
  print("bad command rung\n");
  return 0;
}
