// SPDX-License-Identifier: MIT
// System registers: which there are, for reads at both exception levels, and the bits of those that hold state.

#include "image.h"

/** MRS X0 of a register, and RET. */
#define CODE (ARENA + 0x10000)

static const void *code_of(u32 word) {
  REG32(CODE) = word;
  REG32(CODE + 4) = 0xd65f03c0;
  asm volatile("dc cvau, %0\ndsb ish\nic ivau, %0\ndsb ish\nisb" ::"r"(CODE) : "memory");
  return (const void *)CODE;
}

static void name_of(u32 op0, u32 op1, u32 crn, u32 crm, u32 op2) {
  put("s");
  put_hex(op0);
  put("_");
  put_hex(op1);
  put("_c");
  put_hex(crn);
  put("_c");
  put_hex(crm);
  put("_");
  put_hex(op2);
}

static void sweep(u32 op0, u32 el) {
  for (u32 op1 = 0; op1 < 8; op1++)
    for (u32 crn = 0; crn < 16; crn++)
      for (u32 crm = 0; crm < 16; crm++)
        for (u32 op2 = 0; op2 < 8; op2++) {
          call(el, code_of(0xd5200000 | op0 << 19 | op1 << 16 | crn << 12 | crm << 8 | op2 << 5), 0, 0);
          if (taken.count != 0 && taken.esr == 0x2000000) continue;
          put_field("el", el);
          put(" ");
          name_of(op0, op1, crn, crm, op2);
          if (taken.count) put_field("esr", taken.esr);
          put("\n");
        }
}

#define BITS(name)                                    \
  do {                                                \
    u64 before_ = READ(name);                         \
    WRITE(name, ~0ul);                                \
    put(#name);                                       \
    put_field("ones", READ(name));                    \
    WRITE(name, 0);                                   \
    put_field("zeros", READ(name));                   \
    WRITE(name, before_);                             \
    put("\n");                                        \
  } while (0)

void main(void) {
  put("bits\n");
  BITS(vbar_el1);
  BITS(elr_el1);
  BITS(far_el1);
  BITS(esr_el1);
  BITS(sp_el0);
  BITS(tpidr_el0);
  BITS(tpidrro_el0);
  BITS(tpidr_el1);
  BITS(ttbr0_el1);
  BITS(ttbr1_el1);
  BITS(mair_el1);
  BITS(contextidr_el1);
  BITS(cntkctl_el1);
  BITS(cntv_cval_el0);
  BITS(cntp_cval_el0);
  BITS(afsr0_el1);
  BITS(afsr1_el1);
  BITS(amair_el1);
  BITS(actlr_el1);
  BITS(csselr_el1);
  BITS(daif);
  BITS(nzcv);
  asm volatile("msr daifset, #0xf");
  put("there are\n");
  for (u32 el = 0; el < 2; el++) {
    sweep(2, el);
    sweep(3, el);
  }
}
