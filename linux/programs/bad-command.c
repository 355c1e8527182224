// SPDX-License-Identifier: MIT
// Behaves like a faulty driver: writes a command that no command queue knows into VCMDQs
// of VINTF 0 and rings their doorbells, without the kernel's knowledge:
// bad-command LVCMDQ...
#include "system-calls.h"

/** Address of the board's CMDQV, and in it the two pages of VINTF 0 (docs/cmdqv.md). */
enum { CMDQV = 0xb000000, VINTF0_PAGE0 = 0x30000, VINTF0_PAGE1 = 0x40000 };
static const char CMDQV_DEVICE[] = "/sys/bus/platform/devices/b000000.cmdqv";
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

static volatile u8 *registersOf(u64 lvcmdq, u64 page) {
  return mapPhysical(CMDQV + page + lvcmdq * LVCMDQ_STRIDE);
}

/** BASE of a queue, which is 0 if the queue is not in use. */
static u64 baseOf(u64 lvcmdq) {
  return *(volatile u64 *)registersOf(lvcmdq, VINTF0_PAGE1);
}

static struct bell writeCommand(u64 lvcmdq) {
  struct bell bell = {.registers = (volatile u32 *)registersOf(lvcmdq, VINTF0_PAGE0)};
  u64 base = baseOf(lvcmdq);
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
  }
  if (count <= 0) {
    print("usage: bad-command LVCMDQ..., numbers from 0 to 127\n");
    return 2;
  }
  if (!isFile(CMDQV_DEVICE)) {
    print("bad-command: there is no CMDQV\n");
    return 1;
  }
  // No queue gets a command unless all can.
  for (int i = 0; i < count; i++) {
    if (baseOf((u64)numberOf(argv[1 + i])) != 0) continue;
    print("bad-command: LVCMDQ ");
    print(argv[1 + i]);
    print(" is not in use\n");
    return 1;
  }
  for (int i = 0; i < count; i++) bells[i] = writeCommand((u64)numberOf(argv[1 + i]));
  __asm__ volatile("dsb st" ::: "memory");
  for (int i = 0; i < count; i++) bells[i].registers[PROD] = bells[i].prod;
  print("bad command rung\n");
  return 0;
}
