// SPDX-License-Identifier: MIT

#include "image.h"

struct taken taken;
void (*on_irq)(struct frame *);
/** What is added to an address of the image for EL0. */
static u64 alias;

u64 call_kernel(u64 pc, u64 x0, u64 x1);
u64 enter_user(u64 pc, u64 x0, u64 x1, u64 spsr, u64 link);
void leave_user(u64 result);
extern const char user_done[];

void put(const char *text) {
  for (; *text; text++) REG8(UART) = *text;
}

void put_hex(u64 value) {
  char digits[17];
  u32 at = 16;
  digits[at] = 0;
  do {
    digits[--at] = "0123456789abcdef"[value & 15];
    value >>= 4;
  } while (value);
  put(digits + at);
}

void put_field(const char *name, u64 value) {
  put(" ");
  put(name);
  put("=");
  put_hex(value);
}

void quiet(void) { taken.count = 0; }

static void note(u64 vector, const struct frame *frame) {
  if (taken.count++) return;
  taken.vector = vector;
  taken.esr = READ(esr_el1);
  taken.far = READ(far_el1);
  taken.elr = frame->elr;
  taken.spsr = frame->spsr;
  taken.sp_el0 = frame->sp_el0;
}

void on_exception(u64 vector, struct frame *frame) {
  u64 kind = vector & 0x180;
  u64 ec = READ(esr_el1) >> 26;
  if (kind != 0) {
    if (on_irq) return on_irq(frame);
    note(vector, frame);
    // Nobody handles it: it stays masked from here on.
    frame->spsr |= 0xc0;
    return;
  }
  int user = vector == 0x400;
  if (!user || ec != 0x15 || (u16)READ(esr_el1) != 0xffff) note(vector, frame);
  if (user) leave_user(frame->x[0]);
  // An SVC returns to the next instruction; a fetch that faults was called.
  if (ec == 0x15) return;
  if (ec == 0x21 || ec == 0x22 || ec == 0x0e) {
    frame->elr = frame->x[30];
    frame->spsr = (frame->spsr & ~(0x10001ful << 0)) | 5;
  } else
    frame->elr += 4;
}

u64 call(u32 el, const void *probe, u64 x0, u64 x1) {
  quiet();
  if (el == 0) return enter_user((u64)probe + alias, x0, x1, 0, (u64)user_done + alias);
  return call_kernel((u64)probe, x0, x1);
}

void show(const char *what, const void *pc, u64 result) {
  put(what);
  if (taken.count == 0) put_field("ok", result);
  else {
    u64 ec = taken.esr >> 26;
    put_field("vector", taken.vector);
    put_field("esr", taken.esr);
    if ((ec >= 0x20 && ec <= 0x25) || ec == 0x34 || ec == 0x35) put_field("far", taken.far);
    // A fetch that faults is told by its address.
    u64 from = ec >= 0x20 && ec <= 0x22 ? taken.far : (u64)pc + ((taken.spsr & 0xf) == 0 ? alias : 0);
    put_field("elr", taken.elr - from);
    put_field("spsr", taken.spsr);
    if (taken.count != 1) put_field("count", taken.count);
  }
  put("\n");
}

u64 test(const char *what, u32 el, const void *probe, u64 x0, u64 x1) {
  u64 result = call(el, probe, x0, x1);
  show(what, probe, result);
  return result;
}

/** Tables come from here; each begins at a multiple of 64 KiB. */
static u64 next_table = 0x42000000;

static u64 new_table(void) {
  u64 table = next_table;
  next_table += 0x10000;
  for (u64 at = table; at < next_table; at += 8) REG64(at) = 0;
  return table;
}

struct space new_space(u32 granule, u32 bits) {
  return (struct space){granule, bits, new_table()};
}

u32 first_level(const struct space *space) {
  return 3 - (space->bits - space->granule - 1) / (space->granule - 3);
}

u64 level_size(const struct space *space, u32 level) {
  return 1ul << (space->granule + (space->granule - 3) * (3 - level));
}

u64 *entry_of(struct space *space, u64 va, u32 level) {
  u64 in_range = va & ((1ul << space->bits) - 1);
  u64 table = space->root;
  for (u32 at = first_level(space);; at++) {
    u64 index = in_range / level_size(space, at);
    u64 *entry = (u64 *)table + index;
    if (at == level) return entry;
    if ((*entry & 3) != TABLE) *entry = new_table() | TABLE;
    table = *entry & 0xffffffff0000;
    in_range %= level_size(space, at);
  }
}

void map_page(struct space *space, u64 va, u64 pa, u64 attributes) {
  *entry_of(space, va, 3) = pa | attributes | PAGE;
}

static void map_blocks(struct space *space, u64 va, u64 pa, u64 size, u64 attributes) {
  u32 level = space->granule == 12 ? 1 : 2;
  for (u64 at = 0; at < size; at += level_size(space, level))
    *entry_of(space, va + at, level) = (pa + at) | attributes | AF | BLOCK;
}

void map_image(struct space *space) {
  map_blocks(space, 0, 0, 0x40000000, ATTR(NGNRE) | PXN | UXN);
  map_blocks(space, 0x40000000, 0x40000000, 0x4000000, ATTR(NORMAL) | INNER | UXN);
  map_blocks(space, USER_ALIAS + 0x40000000, 0x40000000, 0x4000000,
             ATTR(NORMAL) | INNER | AP_USER | AP_READ_ONLY | PXN);
  map_page(space, USER_ARENA, ARENA, ATTR(NORMAL) | INNER | AP_USER | AF | PXN | UXN);
}

void flush(void) { asm volatile("dsb sy\ntlbi vmalle1\ndsb sy\nisb" ::: "memory"); }

void mmu_on(const struct space *low, const struct space *high, u64 tcr) {
  tcr |= 2ul << 32;
  if (low) {
    tcr |= (64 - low->bits) | 0x3500;
    tcr |= (low->granule == 16 ? 1ul : low->granule == 14 ? 2ul : 0ul) << 14;
    WRITE(ttbr0_el1, low->root);
  } else
    tcr |= 1ul << 7;
  if (high) {
    tcr |= (64ul - high->bits) << 16 | 0x35000000;
    tcr |= (high->granule == 16 ? 3ul : high->granule == 14 ? 1ul : 2ul) << 30;
    WRITE(ttbr1_el1, high->root);
  } else
    tcr |= 1ul << 23;
  WRITE(mair_el1, 0x440400ff);
  WRITE(tcr_el1, tcr);
  flush();
  WRITE(sctlr_el1, SCTLR_BASE | SCTLR_M | SCTLR_C | SCTLR_I | SCTLR_SPAN);
  alias = USER_ALIAS;
}

void mmu_off(void) {
  WRITE(sctlr_el1, SCTLR_BASE | SCTLR_SPAN);
  flush();
  alias = 0;
}
