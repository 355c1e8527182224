// SPDX-License-Identifier: MIT
// PSTATE.PAN: what EL1 may not do in pages of EL0, what sets and clears it.

#include "image.h"

PROBE(load, ".arch_extension pan\nmsr pan, #1\nldr x0, [x0]\nmsr pan, #0");
PROBE(store, "msr pan, #1\nstr x1, [x0]\nmsr pan, #0\nmov x0, #1");
PROBE(load_user, "msr pan, #1\nldtr x0, [x0]\nmsr pan, #0");
PROBE(store_user, "msr pan, #1\nsttr x1, [x0]\nmsr pan, #0\nmov x0, #1");
PROBE(exclusive, "msr pan, #1\nldxr x0, [x0]\nmsr pan, #0");
PROBE(swap, ".arch_extension lse\nmsr pan, #1\nswp x1, x0, [x0]\nmsr pan, #0");
PROBE(clean, "msr pan, #1\ndc cvac, x0\nmsr pan, #0\nmov x0, #1");
PROBE(invalidate_code, "msr pan, #1\nic ivau, x0\nmsr pan, #0\nmov x0, #1");
PROBE(translate, "msr pan, #1\nat s1e1r, x0\nisb\nmrs x0, par_el1\nand x0, x0, #1\nmsr pan, #0");
PROBE(allowed, "msr pan, #0\nldr x0, [x0]");
PROBE(read_pan, "msr pan, x0\nmrs x0, pan\nmsr pan, #0");
PROBE(of_el0, "msr pan, #1");
PROBE(read_of_el0, "mrs x0, pan");
PROBE(svc, "svc #1\nmrs x0, pan\nmsr pan, #0");
PROBE(svc_set, "msr pan, #1\nsvc #1\nmrs x0, pan\nmsr pan, #0");
PROBE(fetch, "msr pan, #1\nmov x3, x30\nblr x0\nmov x30, x3\nmsr pan, #0");

static const struct named list[] = {
    {"load", load},         {"store", store},   {"ldtr", load_user},          {"sttr", store_user},
    {"ldxr", exclusive},    {"swp", swap},      {"dc cvac", clean},           {"ic ivau", invalidate_code},
    {"at", translate},      {"allowed", allowed},
};

void main(void) {
  struct space low = new_space(12, 39);
  map_image(&low);
  mmu_on(&low, 0, 0);
  u64 va = 0x2000000000;
  for (u64 ap = 0; ap < 4; ap++) {
    map_page(&low, va, ARENA, ATTR(NORMAL) | INNER | AF | ap << 6);
    flush();
    put_field("ap", ap);
    put("\n");
    REG64(ARENA) = 0x1234;
    for (u32 i = 0; i < COUNT(list); i++) test(list[i].name, 1, list[i].probe, va, 5);
  }
  map_page(&low, va, ARENA, ATTR(NORMAL) | INNER | AF | AP_USER | AP_READ_ONLY);
  flush();
  REG64(ARENA) = 0xd65f03c0;
  asm volatile("dsb sy\nic iallu\ndsb sy\nisb");
  test("fetch", 1, fetch, va, 0);
  test("mrs and msr", 1, read_pan, ~0ul, 0);
  test("mrs and msr", 1, read_pan, 0, 0);
  test("msr at EL0", 0, of_el0, 0, 0);
  test("mrs at EL0", 0, read_of_el0, 0, 0);
  // SCTLR_EL1.SPAN: whether an exception sets it.
  for (u32 span = 0; span < 2; span++) {
    WRITE(sctlr_el1, span ? READ(sctlr_el1) | SCTLR_SPAN : READ(sctlr_el1) & ~SCTLR_SPAN);
    put_field("span", span);
    put("\n");
    test("svc", 1, svc, 0, 0);
    test("svc while it is set", 1, svc_set, 0, 0);
    call(0, svc, 0, 0);
    put_field("of EL0", READ(s3_0_c4_c2_3));
    put("\n");
    WRITE(s3_0_c4_c2_3, 0);
  }
}
