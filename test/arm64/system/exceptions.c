// SPDX-License-Identifier: MIT
// Exceptions of both levels: vector, syndrome, return address, PSTATE; what EL0 may not do; illegal returns.

#include "image.h"

PROBE(svc, "svc #0x1234");
PROBE(brk, "brk #0xabcd");
PROBE(hlt, "hlt #0x12");
PROBE(hvc, "hvc #0");
PROBE(smc, "smc #0");
PROBE(udf, ".inst 0x00000000");
PROBE(udf_1234, ".inst 0x00001234");
PROBE(unallocated, ".inst 0x9bc0fc00 | 0x8000");
PROBE(unallocated_load, ".inst 0xb8e00c00");
PROBE(dcps1, "dcps1 #0");
PROBE(eret_el0, "eret");
PROBE(fadd, ".inst 0x1e622820");
PROBE(fmov, ".inst 0x9e660000");
PROBE(ldr_q, ".inst 0x3dc00000");
PROBE(stp_d, ".inst 0x6d000000");
PROBE(add_v, ".inst 0x4ee08400");
PROBE(ld1, ".inst 0x4c407000");
PROBE(ldr_d_literal, ".inst 0x5c000000");
PROBE(prfm, ".inst 0xf9800000");
PROBE(nop, "nop");
PROBE(hint_unknown, "hint #0x7f");
PROBE(isb, "isb");
PROBE(clrex, "clrex");
PROBE(sysl, ".inst 0xd5280000 | (3 << 16)");

PROBE(msr_daifset, "msr daifset, #2");
PROBE(msr_daifclr, "msr daifclr, #2");
PROBE(mrs_daif, "mrs x0, daif");
PROBE(msr_daif, "msr daif, x7");
PROBE(msr_spsel, "msr spsel, #0");
PROBE(mrs_currentel, "mrs x0, currentel");
PROBE(mrs_sctlr, "mrs x0, sctlr_el1");
PROBE(msr_vbar, "msr vbar_el1, x5");
PROBE(mrs_ctr, "mrs x9, ctr_el0");
PROBE(mrs_dczid, "mrs x0, dczid_el0");
PROBE(mrs_midr, "mrs x0, midr_el1");
PROBE(mrs_tpidr, "mrs x0, tpidr_el0");
PROBE(msr_tpidr, "msr tpidr_el0, x0\nmrs x0, tpidr_el0");
PROBE(msr_tpidrro, "msr tpidrro_el0, x0");
PROBE(mrs_nzcv, "msr nzcv, x0\nmrs x0, nzcv");
PROBE(mrs_cntfrq, "mrs x3, cntfrq_el0\nmov x0, #0");
PROBE(msr_cntfrq, "msr cntfrq_el0, x3");
PROBE(mrs_cntvct, "mrs x4, cntvct_el0\nmov x0, #0");
PROBE(mrs_cntpct, "mrs x4, cntpct_el0\nmov x0, #0");
PROBE(mrs_cntv_ctl, "mrs x6, cntv_ctl_el0\nmov x0, #0");
PROBE(msr_cntv_cval, "msr cntv_cval_el0, x6\nmov x0, #0");
PROBE(msr_cntp_tval, "msr cntp_tval_el0, x8\nmov x0, #0");
PROBE(mrs_par, "mrs x0, par_el1");
PROBE(ic_iallu, "ic iallu");
PROBE(ic_ivau, "ic ivau, x0");
PROBE(dc_cvac, "dc cvac, x0");
PROBE(dc_cvau, "dc cvau, x0");
PROBE(dc_civac, "dc civac, x0");
PROBE(dc_ivac, "dc ivac, x0");
PROBE(dc_isw, "dc isw, x0");
PROBE(dc_zva, "dc zva, x0");
PROBE(tlbi_vmalle1, "tlbi vmalle1");
PROBE(at_s1e0r, "at s1e0r, x0");
PROBE(mrs_mdccsr, "mrs x0, mdccsr_el0");
PROBE(wfi_once, "wfi");
PROBE(wfe_once, "sevl\nwfe");
PROBE(wfe_sleeps, "sevl\nwfe\nwfe");

static const struct named generating[] = {
    {"svc", svc}, {"brk", brk}, {"hlt", hlt}, {"smc", smc}, {"udf", udf}, {"udf 1234", udf_1234},
    {"unallocated", unallocated}, {"unallocated load", unallocated_load}, {"dcps1", dcps1}, {"sysl", sysl},
    {"fadd", fadd}, {"fmov", fmov}, {"ldr q", ldr_q}, {"stp d", stp_d}, {"add v", add_v}, {"ld1", ld1},
    {"ldr d literal", ldr_d_literal}, {"prfm", prfm}, {"nop", nop}, {"hint", hint_unknown}, {"isb", isb},
    {"clrex", clrex},
};

static const struct named moves[] = {
    {"msr daifset", msr_daifset}, {"msr daifclr", msr_daifclr}, {"mrs daif", mrs_daif}, {"msr daif", msr_daif},
    {"msr spsel", msr_spsel}, {"mrs currentel", mrs_currentel}, {"mrs sctlr", mrs_sctlr}, {"msr vbar", msr_vbar},
    {"mrs ctr", mrs_ctr}, {"mrs midr", mrs_midr}, {"msr tpidr", msr_tpidr}, {"mrs tpidr", mrs_tpidr},
    {"msr tpidrro", msr_tpidrro}, {"nzcv", mrs_nzcv}, {"mrs cntfrq", mrs_cntfrq}, {"msr cntfrq", msr_cntfrq},
    {"mrs cntvct", mrs_cntvct}, {"mrs cntpct", mrs_cntpct}, {"mrs cntv_ctl", mrs_cntv_ctl},
    {"msr cntv_cval", msr_cntv_cval}, {"msr cntp_tval", msr_cntp_tval}, {"mrs par", mrs_par},
    {"ic iallu", ic_iallu}, {"ic ivau", ic_ivau}, {"dc cvac", dc_cvac}, {"dc cvau", dc_cvau},
    {"dc civac", dc_civac}, {"dc ivac", dc_ivac}, {"dc isw", dc_isw}, {"dc zva", dc_zva},
    {"tlbi", tlbi_vmalle1}, {"at", at_s1e0r}, {"eret", eret_el0}, {"hvc", hvc},
};

static void at_el0(const char *name, u64 sctlr, u64 cntkctl) {
  put(name);
  put("\n");
  WRITE(cntkctl_el1, cntkctl);
  WRITE(sctlr_el1, READ(sctlr_el1) | sctlr);
  for (u32 i = 0; i < COUNT(moves); i++) test(moves[i].name, 0, moves[i].probe, USER_ARENA, 0);
  WRITE(sctlr_el1, READ(sctlr_el1) & ~sctlr);
}

/** Exceptions with every PSTATE that goes into SPSR. */
PROBE(flags_svc, "msr nzcv, x0\nmsr daif, x1\nsvc #1\nmrs x0, nzcv\nmrs x1, daif\norr x0, x0, x1\nmsr daifset, #0xf");
PROBE(spsel_svc, "mov x3, x30\nmsr sp_el0, x0\nmsr spsel, #0\nsvc #2\nmov x0, sp\nmsr spsel, #1\nmov x30, x3");
PROBE(sp_el0_by_itself, "msr spsel, #0\nmrs x0, sp_el0\nmsr spsel, #1");

/** ERET to what is in X0, with SPSR X1; link register: where an illegal return goes on. */
PROBE(return_with, "msr elr_el1, x0\nmsr spsr_el1, x1\neret\nmov x0, #99");
PROBE(landing,
      "mrs x0, daif\nmrs x1, nzcv\norr x0, x0, x1\nmrs x1, spsel\norr x0, x0, x1\n"
      "msr daifset, #0xf\nmsr spsel, #1");

static void returns(void) {
  // 0x10, AArch32 at EL0, is legal where there is an AArch32.
  static const u64 modes[] = {0x5,  0x4,  0x1,  0x2,  0x6,  0x8,  0x9,   0xc,        0xd,       0xf,
                              0x13, 0x1f, 0x15, 0x14, 0x45, 0x85, 0x3c5, 0xf0000005, 0x60000085};
  for (u32 i = 0; i < COUNT(modes); i++) {
    // EL1t needs a stack pointer, which nothing uses.
    WRITE(sp_el0, ARENA);
    put_field("return", modes[i]);
    test("", 1, return_with, (u64)landing, modes[i]);
  }
  put_field("return with IL", 0x100005);
  test("", 1, return_with, (u64)landing, 0x100005);
}

PROBE(jump, "mov x3, x30\nblr x0\nmov x30, x3");

void main(void) {
  put("exceptions\n");
  for (u32 el = 0; el < 2; el++) {
    put_field("el", el);
    put("\n");
    for (u32 i = 0; i < COUNT(generating); i++)
      test(generating[i].name, el, generating[i].probe, ARENA, 0);
  }
  for (u64 flags = 0; flags < 16; flags += 5) {
    put_field("flags", flags);
    test("", 1, flags_svc, flags << 28, flags << 6);
  }
  test("spsel", 1, spsel_svc, ARENA + 0x120, 0);
  put_field("sp_el0", taken.sp_el0);
  put("\n");
  test("sp_el0 while it is in use", 1, sp_el0_by_itself, 0, 0);
  put("at EL1\n");
  for (u32 i = 0; i < COUNT(moves); i++) {
    const char *name = moves[i].name;
    // What leaves nothing to log, or leaves.
    if (moves[i].probe == eret_el0 || moves[i].probe == hvc || moves[i].probe == msr_vbar) continue;
    if (moves[i].probe == msr_spsel || moves[i].probe == msr_daif || moves[i].probe == msr_daifclr) continue;
    if (moves[i].probe == mrs_midr || moves[i].probe == mrs_sctlr || moves[i].probe == mrs_par) continue;
    test(name, 1, moves[i].probe, ARENA, 0);
  }
  // Memory is Device-nGnRnE without the MMU, where DC ZVA faults.
  struct space space = new_space(12, 39);
  map_image(&space);
  mmu_on(&space, 0, 0);
  at_el0("EL0 may nothing", 0, 0);
  at_el0("EL0 may all", SCTLR_UMA | SCTLR_UCT | SCTLR_UCI | SCTLR_DZE, 0x303);
  at_el0("the physical timer", 0, 0x201);
  at_el0("the virtual timer", 0, 0x102);
  test("mrs mdccsr", 0, mrs_mdccsr, 0, 0);
  WRITE(mdscr_el1, 1ul << 12);
  test("mrs mdccsr, TDCC", 0, mrs_mdccsr, 0, 0);
  WRITE(mdscr_el1, 0);
  test("wfi", 0, wfi_once, 0, 0);
  test("wfe", 0, wfe_once, 0, 0);
  test("wfe that sleeps", 0, wfe_sleeps, 0, 0);
  WRITE(sctlr_el1, READ(sctlr_el1) | SCTLR_NTWE | SCTLR_NTWI);
  test("wfe allowed", 0, wfe_once, 0, 0);
  returns();
  test("pc alignment 1", 1, jump, ARENA + 1, 0);
  test("pc alignment 2", 1, jump, ARENA + 2, 0);
  test("pc alignment at EL0", 0, jump, USER_ALIAS + 0x40000003, 0);
}
