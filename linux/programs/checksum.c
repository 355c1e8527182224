// SPDX-License-Identifier: MIT
// Reads a file to its end and prints the FNV-1a hash of its 32-bit words: checksum FILE.
#include "system-calls.h"

enum { BUFFER_SIZE = 0x10000 };
static const u32 OFFSET_BASIS = 0x811c9dc5;
static const u32 PRIME = 0x01000193;

int mainOf(int argc, char **argv) {
  static u32 buffer[BUFFER_SIZE / sizeof(u32)];
  if (argc != 2) {
    print("usage: checksum FILE\n");
    return 2;
  }
  int file = openFile(argv[1], O_RDONLY);
  u32 hash = OFFSET_BASIS;
  u64 total = 0;
  for (;;) {
    long length = systemCall(SYS_READ, (u64)file, (u64)buffer, BUFFER_SIZE, 0);
    if (length < 0) failed("read", argv[1], length);
    if (length == 0) break;
    for (u64 i = 0; i < (u64)length / sizeof(u32); i++) hash = (hash ^ buffer[i]) * PRIME;
    total += (u64)length;
  }
  print("checksum ");
  printNumber(hash);
  print(" of ");
  printNumber(total);
  print(" bytes\n");
  return 0;
}
