// SPDX-License-Identifier: MIT
// PSCI and SMCCC: versions, features, errors. The machine has one vCPU.

#include "image.h"

static u64 hvc(u64 function, u64 a, u64 b, u64 c) {
  register u64 x0 asm("x0") = function;
  register u64 x1 asm("x1") = a;
  register u64 x2 asm("x2") = b;
  register u64 x3 asm("x3") = c;
  asm volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"memory");
  return x0;
}

static void try(const char *what, u64 function, u64 a, u64 b, u64 c) {
  put(what);
  put_field("x0", hvc(function, a, b, c));
  put("\n");
}

extern const char _start[];

void main(void) {
  static const struct {
    const char *name;
    u32 id;
  } functions[] = {
      {"PSCI_VERSION", 0x84000000},     {"CPU_SUSPEND", 0x84000001},       {"CPU_OFF", 0x84000002},
      {"CPU_ON", 0x84000003},           {"CPU_ON 64", 0xc4000003},         {"AFFINITY_INFO", 0x84000004},
      {"AFFINITY_INFO 64", 0xc4000004}, {"MIGRATE", 0x84000005},           {"MIGRATE 64", 0xc4000005},
      {"MIGRATE_INFO_TYPE", 0x84000006}, {"MIGRATE_INFO_UP_CPU", 0x84000007}, {"SYSTEM_OFF", 0x84000008},
      {"SYSTEM_RESET", 0x84000009},     {"PSCI_FEATURES", 0x8400000a},     {"CPU_FREEZE", 0x8400000b},
      {"CPU_DEFAULT_SUSPEND", 0x8400000c}, {"NODE_HW_STATE", 0x8400000d},  {"SYSTEM_SUSPEND", 0x8400000e},
      {"PSCI_SET_SUSPEND_MODE", 0x8400000f}, {"PSCI_STAT_RESIDENCY", 0x84000010},
      {"PSCI_STAT_COUNT", 0x84000011},  {"SYSTEM_RESET2", 0x84000012},     {"SYSTEM_RESET2 64", 0xc4000012},
      {"MEM_PROTECT", 0x84000013},      {"MEM_PROTECT_CHECK_RANGE", 0x84000014},
      {"SMCCC_VERSION", 0x80000000},    {"SMCCC_ARCH_FEATURES", 0x80000001}, {"nothing", 0x8400001f},
      {"nothing 64", 0xc4000000},       {"a service of the hypervisor", 0x86000000}, {"0", 0},
  };
  for (u32 i = 0; i < COUNT(functions); i++) {
    put("PSCI_FEATURES of ");
    try(functions[i].name, 0x8400000a, functions[i].id, 0, 0);
  }
  try("PSCI_VERSION", 0x84000000, 0, 0, 0);
  try("PSCI_VERSION, upper half of X0", 0x1234567884000000, 0, 0, 0);
  try("PSCI_VERSION as SMC64", 0xc4000000, 0, 0, 0);
  try("MIGRATE", 0x84000005, 0, 0, 0);
  try("MIGRATE_INFO_TYPE", 0x84000006, 0, 0, 0);
  try("MIGRATE_INFO_UP_CPU", 0x84000007, 0, 0, 0);
  try("CPU_ON of itself", 0xc4000003, READ(mpidr_el1) & 0xffffff, (u64)_start, 0);
  try("CPU_ON of itself, 32", 0x84000003, READ(mpidr_el1) & 0xffffff, (u64)_start, 0);
  try("CPU_ON of nobody", 0xc4000003, 0xffffff, (u64)_start, 0);
  try("CPU_ON of vCPU 1, which there is not", 0xc4000003, 1, (u64)_start, 0);
  try("AFFINITY_INFO of itself", 0xc4000004, READ(mpidr_el1) & 0xffffff, 0, 0);
  try("AFFINITY_INFO of itself, 32", 0x84000004, READ(mpidr_el1) & 0xffffff, 0, 0);
  try("AFFINITY_INFO of nobody", 0xc4000004, 0xffffff, 0, 0);
  try("CPU_FREEZE", 0x8400000b, 0, 0, 0);
  try("SYSTEM_SUSPEND", 0x8400000e, (u64)_start, 0, 0);
  try("SYSTEM_RESET2, a vendor's", 0x84000012, 0x80000001, 0, 0);
  try("MEM_PROTECT", 0x84000013, 1, 0, 0);
  try("nothing", 0x8400001f, 0, 0, 0);
  try("SMCCC_VERSION", 0x80000000, 0, 0, 0);
  try("a service of a vendor", 0xc6000000, 1, 2, 3);
  try("0", 0, 0, 0, 0);
  // A call keeps X4 to X17 (SMCCC 1.1), and here X1 to X3 as well.
  register u64 x0 asm("x0") = 0x84000000;
  register u64 x1 asm("x1") = 0x11;
  register u64 x2 asm("x2") = 0x22;
  register u64 x3 asm("x3") = 0x33;
  register u64 x4 asm("x4") = 0x44;
  register u64 x17 asm("x17") = 0x1717;
  asm volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x17)::"memory");
  u64 kept[] = {x1, x2, x3, x4, x17};
  for (u32 i = 0; i < 5; i++) put_field("kept", kept[i]);
  put("\n");
}
