// SPDX-License-Identifier: MIT
// What scripts/check-gdb.mjs debugs: two vCPUs, and variables that functions change.

#include "../system/image.h"

void put(const char *text);

/** Changed by `add` alone. */
volatile u64 total;
volatile u64 last;
/** vCPU 1 has been here. */
volatile u64 arrived;

__attribute__((noinline)) void add(u64 number) {
  last = number;
  total += number;
}

/** Where vCPU 1 begins, without a stack. */
PROBE(second, "adrp x1, arrived\nadd x1, x1, :lo12:arrived\nmov x2, #1\nstr x2, [x1]\nb .");

static u64 cpu_on(u64 cpu, u64 entry) {
  register u64 x0 asm("x0") = 0xc4000003;
  register u64 x1 asm("x1") = cpu;
  register u64 x2 asm("x2") = entry;
  register u64 x3 asm("x3") = 0;
  asm volatile("hvc #0" : "+r"(x0) : "r"(x1), "r"(x2), "r"(x3) : "memory");
  return x0;
}

void main(void) {
  for (u64 number = 1; number <= 5; number++) add(number);
  if (total == 15) put("total 15\n");
  if (cpu_on(1, ADDRESS(second)) == 0)
    while (!arrived);
  put("done\n");
}
