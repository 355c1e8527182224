// SPDX-License-Identifier: MIT
// Code that is written: what IC and ISB make visible, through other addresses too; DC ZVA; exclusives and their monitor.

#include "image.h"

/** MOV X0, #value; RET. */
static void write_code(u64 at, u32 value) {
  REG32(at) = 0xd2800000 | value << 5;
  REG32(at + 4) = 0xd65f03c0;
}
static u64 run(u64 at) { return ((u64(*)(void))at)(); }
static void publish(u64 at) {
  asm volatile("dc cvau, %0\ndsb ish\nic ivau, %0\ndsb ish\nisb" ::"r"(at) : "memory");
}

PROBE(rewrite_itself,
      "adr x3, 2f\nmov w4, #0x40\nmovk w4, #0xd280, lsl #16\nstr w4, [x3]\n"
      "dc cvau, x3\ndsb ish\nic ivau, x3\ndsb ish\nisb\n"
      "2: mov x0, #1");
PROBE(exclusive_pair, "ldxp x2, x3, [x0]\nadd x2, x2, #1\nstxp w4, x2, x3, [x0]\nmov x0, x4");
PROBE(cleared, "ldxr x2, [x0]\nclrex\nstxr w3, x1, [x0]\nmov x0, x3");
PROBE(by_svc, "ldxr x2, [x0]\nmov x5, x30\nsvc #1\nmov x30, x5\nstxr w3, x1, [x0]\nmov x0, x3");
PROBE(without, "clrex\nstxr w3, x1, [x0]\nmov x0, x3");
PROBE(other_address, "ldxr x2, [x0]\nadd x4, x0, #256\nstxr w3, x1, [x4]\nclrex\nmov x0, x3");
PROBE(twice, "ldxr x2, [x0]\nstxr w3, x1, [x0]\nstxr w4, x1, [x0]\norr x0, x3, x4, lsl #4");
PROBE(words, "ldaxr w2, [x0]\nstlxr w3, w1, [x0]\nldr x0, [x0]");
PROBE(bytes, "ldxrb w2, [x0]\nadd w2, w2, #1\nstxrb w3, w2, [x0]\nldr x0, [x0]");

void main(void) {
  struct space low = new_space(12, 39);
  map_image(&low);
  // Three names of one page of code, and one that EL0 has.
  map_page(&low, 0x2000001000, ARENA, ATTR(NORMAL) | INNER | AF | UXN);
  map_page(&low, 0x2000002000, ARENA, ATTR(NORMAL) | INNER | AF | UXN);
  map_page(&low, 0x2000003000, ARENA, ATTR(NORMAL) | INNER | AF | AP_USER | AP_READ_ONLY | PXN);
  map_page(&low, 0x2000004000, ARENA + 0x1000, ATTR(NORMAL) | INNER | AF | UXN);
  mmu_on(&low, 0, 0);
  u64 write = ARENA, a = 0x2000001000, b = 0x2000002000, user = 0x2000003000;
  for (u32 i = 1; i < 4; i++) {
    write_code(write, i);
    publish(write);
    put_field("a", run(a));
    put_field("b", run(b));
    put("\n");
    test("at EL0", 0, (const void *)(user - USER_ALIAS), 0, 0);
  }
  for (u32 i = 10; i < 13; i++) {
    // Invalidated by another of its addresses, or as a whole.
    write_code(write, i);
    if (i == 10) publish(b);
    if (i == 11) asm volatile("dsb ish\nic iallu\ndsb ish\nisb" ::: "memory");
    if (i == 12) asm volatile("dsb ish\nic ialluis\ndsb ish\nisb" ::: "memory");
    put_field("a", run(a));
    put_field("b", run(b));
    put("\n");
  }
  // Another page at the same address.
  write_code(ARENA + 0x1000, 77);
  publish(ARENA + 0x1000);
  map_page(&low, a, ARENA + 0x1000, ATTR(NORMAL) | INNER | AF | UXN);
  asm volatile("dsb ish\ntlbi vaae1is, %0\ndsb ish\nisb" ::"r"(a >> 12) : "memory");
  put_field("a", run(a));
  put_field("b", run(b));
  put("\n");
  test("rewrites what comes next", 1, rewrite_itself, 0, 0);
  // A straight line over the end of a page.
  for (u64 at = ARENA + 0x2fc0; at < ARENA + 0x3040; at += 4) REG32(at) = 0x91000400;
  REG32(ARENA + 0x3040) = 0xd65f03c0;
  publish(ARENA + 0x2fc0);
  publish(ARENA + 0x3000);
  test("over a page's end", 1, (const void *)(ARENA + 0x2fc0), 5, 0);
  // The second half is gone.
  map_page(&low, 0x2000005000, ARENA + 0x2000, ATTR(NORMAL) | INNER | AF | UXN);
  call(1, (const void *)0x2000005fc0, 5, 0);
  put_field("missing far", taken.far);
  put_field("esr", taken.esr);
  put_field("elr", taken.elr);
  put("\n");

  for (u64 at = ARENA + 0x4000; at < ARENA + 0x4100; at += 8) REG64(at) = 0x1111111111111111;
  asm volatile("dc zva, %0\ndsb sy" ::"r"(ARENA + 0x4000 + 0x55) : "memory");
  for (u64 at = ARENA + 0x4000; at < ARENA + 0x4100; at += 32) put_field("zva", REG64(at));
  put("\n");
  REG64(ARENA) = 0x10;
  REG64(ARENA + 8) = 0x20;
  REG64(ARENA + 256) = 0x30;
  test("exclusive pair", 1, exclusive_pair, ARENA, 0);
  test("without a load", 1, without, ARENA, 1);
  test("cleared", 1, cleared, ARENA, 2);
  call(1, by_svc, ARENA, 3);
  put_field("by an exception", REG64(ARENA));
  put("\n");
  test("another address", 1, other_address, ARENA, 4);
  test("twice", 1, twice, ARENA, 5);
  test("words", 1, words, ARENA, 0xffffffff00000006);
  test("bytes", 1, bytes, ARENA, 0);
  put_field("memory", REG64(ARENA));
  put_field("", REG64(ARENA + 8));
  put_field("", REG64(ARENA + 256));
  put("\n");
}
