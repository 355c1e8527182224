// SPDX-License-Identifier: MIT
// A guest in C on a machine with several SMMUs: it finds each of them, with its CMDQV and its DMA
// engine, by its number. scripts/check-c-guest.mjs builds and boots it.

#include "vsmmu.h"

static uint32_t uart;

static void print(const char *text) {
  while (*text) vsmmu_write32(uart + PL011_DR, (uint32_t)*text++);
}

static void print_hex(uint32_t value) {
  for (int shift = 28; shift >= 0; shift -= 4)
    vsmmu_write32(uart + PL011_DR, (uint32_t)"0123456789abcdef"[(value >> shift) & 15]);
}

// Prints a device's gpa, and the version of what an SMMU is.
static void show(const char *name, uint32_t entry) {
  print(name);
  if (entry == 0) {
    print(" none");
    return;
  }
  print(" ");
  print_hex(vsmmu_device_gpa(entry));
}

VSMMU_EXPORT("vsmmu_abi") uint32_t vsmmu_abi(void) { return ABI_VERSION; }

VSMMU_EXPORT("_initialize") void initialize(void) {}

VSMMU_EXPORT("vsmmu_run") uint32_t run(uint32_t budget) {
  (void)budget;
  uart = vsmmu_device_gpa(vsmmu_find_device(ABI_KIND_PL011));
  for (uint32_t i = 0; i < ABI_MAX_SMMUS; i++) {
    uint32_t smmu = vsmmu_find_device_of(ABI_KIND_SMMUV3, i);
    print("SMMU ");
    print_hex(i);
    show(":", smmu);
    show(" cmdqv", vsmmu_find_device_of(ABI_KIND_CMDQV, i));
    show(" dma", vsmmu_find_device_of(ABI_KIND_DMA, i));
    if (smmu != 0) {
      uint32_t gpa = vsmmu_device_gpa(smmu);
      // Each answers for itself: the queue of the first must not be that of the second.
      vsmmu_write64(gpa + SMMU_EVENTQ_BASE, 0x80000000u + (i << 12));
      print(" EVENTQ_BASE ");
      print_hex((uint32_t)vsmmu_read64(gpa + SMMU_EVENTQ_BASE));
    }
    print("\n");
  }
  if (vsmmu_find_device(ABI_KIND_SMMUV3) != vsmmu_find_device_of(ABI_KIND_SMMUV3, 0)) print("?\n");
  return RUN_OFF;
}
