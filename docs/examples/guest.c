// A guest in C, without a C library: it finds a device of kind "addr" in the device table, lets it
// add two numbers, and prints the sum.

#include "vsmmu.h"

#define KIND_ADDER 0x72646461u // "addr", the first letter in the low byte

static void print(uint32_t uart, const char *text) {
  while (*text) vsmmu_write32(uart + PL011_DR, (uint32_t)*text++);
}

static void print_number(uint32_t uart, uint32_t value) {
  if (value >= 10) print_number(uart, value / 10);
  vsmmu_write32(uart + PL011_DR, '0' + value % 10);
}

VSMMU_EXPORT("vsmmu_abi") uint32_t vsmmu_abi(void) { return ABI_VERSION; }

VSMMU_EXPORT("_initialize") void initialize(void) {}

VSMMU_EXPORT("vsmmu_run") uint32_t run(uint32_t budget) {
  (void)budget;
  uint32_t uart = vsmmu_find_device(ABI_KIND_PL011);
  uint32_t adder = vsmmu_find_device(KIND_ADDER);
  if (uart == 0 || adder == 0) return RUN_OFF;
  uart = vsmmu_device_gpa(uart);
  adder = vsmmu_device_gpa(adder);
  vsmmu_write32(adder + 0, 40);
  vsmmu_write32(adder + 4, 2);
  print(uart, "40 + 2 = ");
  print_number(uart, vsmmu_read32(adder + 8));
  print(uart, "\n");
  return RUN_OFF;
}
