// SPDX-License-Identifier: MIT
// Makes the board's DMA engine read from an address repeatedly, without the kernel's
// knowledge: dma IOVA COUNT. It sleeps in between, so that the kernel can map and unmap
// in the meantime.
#include "system-calls.h"

/** Address of the board's engine, and its registers by word (docs/registers.md). */
enum { ENGINE = 0x9200000 };
enum { CTRL = 1, STATUS = 2, LENGTH = 3, SRC = 4 };
enum { OP_VERIFY = 3, STATUS_READ_FAULT = 2 };
enum { BYTES = 4, SLEEP_NS = 100000 };

int mainOf(int argc, char **argv) {
  long iova = argc == 3 ? numberOf(argv[1]) : -1;
  long count = argc == 3 ? numberOf(argv[2]) : -1;
  if (iova < 0 || count < 0) {
    print("usage: dma IOVA COUNT, numbers below 2^32\n");
    return 2;
  }
  volatile u32 *registers = (volatile u32 *)mapPhysical(ENGINE);
  registers[LENGTH] = BYTES;
  registers[SRC] = (u32)iova;
  registers[SRC + 1] = 0;
  u64 refused = 0;
  for (long i = 0; i < count; i++) {
    sleepFor(SLEEP_NS);
    registers[CTRL] = OP_VERIFY;
    if (registers[STATUS] == STATUS_READ_FAULT) refused++;
  }
  print("dma: ");
  printNumber((u64)count - refused);
  print(" reads, ");
  printNumber(refused);
  print(" refused\n");
  return 0;
}
