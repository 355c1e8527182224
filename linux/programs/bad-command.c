// SPDX-License-Identifier: MIT
// Behaves like a faulty driver: writes a command that no command queue knows into VCMDQs
// of VINTF 0 and rings their doorbells, without the kernel's knowledge:
// bad-command LVCMDQ...
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

/** A queue with such a command, and its doorbell. */
struct bell {
  volatile u32 *registers;
  u32 prod;
};

static struct bell writeCommand(u64 lvcmdq) {
  u64 offset = lvcmdq * LVCMDQ_STRIDE;
  struct bell bell = {.registers = (volatile u32 *)mapPhysical(CMDQV + VINTF0_PAGE0 + offset)};
  u64 base = *(volatile u64 *)mapPhysical(CMDQV + VINTF0_PAGE1 + offset);
  u32 size = (u32)1 << (base & BASE_LOG2SIZE);
  u32 prod = bell.registers[PROD];
  volatile u64 *command =
      (volatile u64 *)mapPhysical((base & BASE_ADDRESS) + (u64)(prod & (size - 1)) * COMMAND_SIZE);
  command[0] = UNKNOWN_OPCODE;
  command[1] = 0;
  // The bit above the index is WRAP.
  bell.prod = (prod + 1) & (2 * size - 1);
  return bell;
}

int mainOf(int argc, char **argv) {
  static struct bell bells[LVCMDQS];
  int count = argc - 1;
  for (int i = 0; i < count; i++) {
    long lvcmdq = count <= LVCMDQS ? numberOf(argv[1 + i]) : -1;
    if (lvcmdq < 0 || lvcmdq >= LVCMDQS) count = 0;
    else bells[i] = writeCommand((u64)lvcmdq);
  }
  if (count == 0) {
    print("bad-command LVCMDQ...\n");
    return 2;
  }
  __asm__ volatile("dsb st" ::: "memory");
  for (int i = 0; i < count; i++) bells[i].registers[PROD] = bells[i].prod;
  print("bad command rung\n");
  return 0;
}
