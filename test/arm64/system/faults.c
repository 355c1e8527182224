// SPDX-License-Identifier: MIT
// Faults of translation, with 4, 16 and 64 KiB granules: each kind at each level, by both TTBRs, at both exception levels;
// permissions of leaves and of tables; accesses that cross pages; alignment; tags; ASIDs.

#include "image.h"

PROBE(load, "ldr x0, [x0]");
PROBE(store, "str x1, [x0]\nmov x0, #1");
PROBE(load_pair, "ldp x0, x1, [x0]");
PROBE(store_pair, "stp x1, x1, [x0]\nmov x0, #1");
PROBE(load_word, "ldr w0, [x0]");
PROBE(load_half, "ldrh w0, [x0]");
PROBE(store_half, "strh w1, [x0]\nmov x0, #1");
PROBE(load_user, "ldtr x0, [x0]");
PROBE(store_user, "sttr x1, [x0]\nmov x0, #1");
PROBE(load_post, "ldr x3, [x0], #8");
PROBE(load_exclusive, "ldxr x0, [x0]");
PROBE(store_exclusive, "ldxr x2, [x0]\nstxr w2, x1, [x0]\nmov x0, x2");
PROBE(acquire, "ldar x0, [x0]");
PROBE(release, "stlr x1, [x0]\nmov x0, #1");
PROBE(fetch, "mov x3, x30\nblr x0\nmov x30, x3");
PROBE(clean, "dc cvac, x0\nmov x0, #1");
PROBE(clean_invalidate, "dc civac, x0\nmov x0, #1");
PROBE(invalidate, "dc ivac, x0\nmov x0, #1");
PROBE(invalidate_code, "ic ivau, x0\nmov x0, #1");
PROBE(zero, "dc zva, x0\nmov x0, #1");
PROBE(prefetch, "prfm pldl1keep, [x0]\nmov x0, #1");

static const struct named accesses[] = {{"load", load}, {"store", store}, {"fetch", fetch}};
static const struct named maintenance[] = {{"dc cvac", clean},          {"dc civac", clean_invalidate},
                                           {"dc ivac", invalidate},     {"ic ivau", invalidate_code},
                                           {"dc zva", zero},            {"prfm", prefetch},
                                           {"load exclusive", load_exclusive}, {"store exclusive", store_exclusive},
                                           {"ldar", acquire},           {"stlr", release}};

static const u64 RET = 0xd65f03c0;
/** Where neither machine has anything. */
#define NOBODY 0x0e000000

/** A line's beginning. */
static void name_of(const char *what, u32 el, const char *access) {
  put(what);
  put_field("el", el);
  put(" ");
  put(access);
}

/** Loads, stores and fetches of both levels. */
static void all_accesses(const char *what, u64 va) {
  for (u32 el = 0; el < 2; el++)
    for (u32 i = 0; i < COUNT(accesses); i++) {
      name_of(what, el, accesses[i].name);
      test("", el, accesses[i].probe, va, RET);
      REG64(ARENA) = RET;
      asm volatile("dc cvau, %0\ndsb sy\nic iallu\ndsb sy\nisb" ::"r"(ARENA) : "memory");
    }
}

#define USABLE (ATTR(NORMAL) | INNER | AF | AP_USER)

/** Each kind of fault at each level, of one space. */
static void levels(struct space *space, u64 va) {
  REG64(ARENA) = RET;
  for (u32 level = first_level(space); level <= 3; level++) {
    u64 *entry = entry_of(space, va, level);
    u64 old = *entry;
    int leaf = level == 3 || (space->granule == 12 ? level >= 1 : level == 2);
    put_field("level", level);
    put("\n");
    *entry = 0;
    flush();
    all_accesses("invalid", va);
    *entry = 0xfffffffffffffffe;
    flush();
    test("invalid, all else ones", 1, load, va, 0);
    if (level == 3) {
      *entry = ARENA | USABLE | BLOCK;
      flush();
      all_accesses("reserved type", va);
    }
    if (leaf) {
      u64 at = ARENA & ~(level_size(space, level) - 1);
      u64 type = level == 3 ? PAGE : BLOCK;
      u64 offset = va & (level_size(space, level) - 1);
      *entry = at | (USABLE & ~AF) | type;
      flush();
      all_accesses("no access flag", va - offset + (ARENA - at));
      *entry = at | ATTR(NORMAL) | INNER | AF | AP_READ_ONLY | type | UXN | PXN;
      flush();
      all_accesses("permission", va - offset + (ARENA - at));
    }
    // More than 40 bits of output (TCR_EL1.IPS 2).
    *entry = (1ul << 40) | USABLE | (leaf && level != 3 ? BLOCK : PAGE);
    flush();
    test("address size of a leaf", 1, load, va, 0);
    if (level < 3) {
      *entry = (1ul << 47) | TABLE;
      flush();
      test("address size of a table", 0, load, va, 0);
    }
    *entry = old;
  }
  flush();
}

/** What a page's bits allow, at both levels. */
static void permissions(struct space *space, u64 va) {
  static const u64 tables[] = {0, 1ul << 59, 1ul << 60, 1ul << 61, 2ul << 61, 3ul << 61};
  u64 *table = entry_of(space, va, 2);
  u64 plain = *table;
  for (u32 t = 0; t < COUNT(tables); t++)
    for (u64 bits = 0; bits < 16; bits++) {
      if (t && bits != 0 && bits != 1 && bits != 4) continue;
      u64 page = ((bits & 1) ? AP_USER : 0) | ((bits & 2) ? AP_READ_ONLY : 0) | ((bits & 4) ? PXN : 0) |
                 ((bits & 8) ? UXN : 0);
      *table = plain | tables[t];
      map_page(space, va, ARENA, ATTR(NORMAL) | INNER | AF | page);
      flush();
      put_field("table", tables[t] >> 59);
      put_field("page", bits);
      put("\n");
      REG64(ARENA) = RET;
      all_accesses("", va);
      test("ldtr", 1, load_user, va, 0);
      test("sttr", 1, store_user, va, RET);
    }
  *table = plain;
  flush();
}

/** Accesses over the end of a page, of which one half, or both, are missing. */
static void crossings(struct space *space, u64 va) {
  u64 size = 1ul << space->granule;
  u64 end = va + size;
  static const struct named wide[] = {{"load", load},           {"store", store},     {"load pair", load_pair},
                                      {"store pair", store_pair}, {"load word", load_word}, {"load half", load_half},
                                      {"store half", store_half}};
  for (u32 missing = 0; missing < 6; missing++) {
    map_page(space, va, ARENA, USABLE);
    map_page(space, end, ARENA + 0x100000, USABLE);
    if (missing & 1) *entry_of(space, va, 3) = 0;
    if (missing & 2) *entry_of(space, end, 3) = 0;
    if (missing == 4) map_page(space, end, ARENA + 0x100000, USABLE | AP_READ_ONLY);
    if (missing == 5) map_page(space, end, ARENA + 0x100000, USABLE & ~AF);
    flush();
    put_field("missing", missing);
    put("\n");
    for (u32 i = 0; i < COUNT(wide); i++) {
      REG64(ARENA + size - 8) = 0x1122334455667788;
      REG64(ARENA + 0x100000) = 0x99aabbccddeeff00;
      u64 before = wide[i].probe == load_pair || wide[i].probe == store_pair ? 8 : wide[i].probe == load_word ? 3 : 1;
      test(wide[i].name, i & 1, wide[i].probe, end - before, 0xfedcba9876543210);
      put_field("low", REG64(ARENA + size - 8));
      put_field("high", REG64(ARENA + 0x100000));
      put("\n");
    }
  }
}

static void alignment(struct space *space, u64 va) {
  static const struct named list[] = {{"load", load},
                                      {"store", store},
                                      {"load pair", load_pair},
                                      {"store pair", store_pair},
                                      {"load half", load_half},
                                      {"post-index", load_post},
                                      {"load exclusive", load_exclusive},
                                      {"ldar", acquire},
                                      {"stlr", release}};
  static const u32 kinds[] = {NORMAL, UNCACHED, NGNRNE, NGNRE};
  for (u32 strict = 0; strict < 2; strict++) {
    u64 sctlr = READ(sctlr_el1);
    WRITE(sctlr_el1, strict ? sctlr | SCTLR_A : sctlr);
    for (u32 kind = 0; kind < COUNT(kinds); kind++) {
      map_page(space, va, ARENA, ATTR(kinds[kind]) | INNER | AF | AP_USER);
      flush();
      put_field("strict", strict);
      put_field("memory", kinds[kind]);
      put("\n");
      for (u32 i = 0; i < COUNT(list); i++) {
        // Exclusives of device memory are not defined.
        if (kinds[kind] != NORMAL && list[i].probe == load_exclusive) continue;
        REG64(ARENA + 16) = 0x1122334455667788;
        REG64(ARENA + 24) = 0x99aabbccddeeff00;
        name_of(list[i].name, i & 1, "off by 1");
        test("", i & 1, list[i].probe, va + 17, 0xfedcba9876543210);
        name_of(list[i].name, i & 1, "off by 8");
        test("", i & 1, list[i].probe, va + 24, 0xfedcba9876543210);
        name_of(list[i].name, i & 1, "off by 4");
        test("", i & 1, list[i].probe, va + 20, 0xfedcba9876543210);
      }
    }
    WRITE(sctlr_el1, sctlr);
  }
  map_page(space, va, ARENA, USABLE);
  flush();
}

static void whole(u32 granule, u32 low_bits, u32 high_bits) {
  put_field("granule", granule);
  put("\n");
  struct space low = new_space(granule, low_bits), high = new_space(granule, high_bits);
  map_image(&low);
  u64 size = 1ul << granule;
  // In the middle of a table of its own at every level.
  u64 va = (1ul << (low_bits - 1)) + 5 * size;
  u64 high_va = ~0ul << high_bits | (1ul << (high_bits - 2)) | 7 * size;
  map_page(&low, va, ARENA, USABLE);
  map_page(&high, high_va, ARENA, USABLE);
  mmu_on(&low, &high, 0);
  put("TTBR0\n");
  levels(&low, va);
  put("TTBR1\n");
  levels(&high, high_va);
  permissions(&low, va);
  crossings(&low, va);
  crossings(&high, high_va);
  alignment(&low, va);
  map_page(&high, high_va, ARENA, USABLE);
  put("maintenance\n");
  u64 *leaf = entry_of(&low, va, 3);
  static const u64 pages[] = {0, USABLE | ARENA | PAGE, ARENA | PAGE | ATTR(NORMAL) | INNER | AF,
                              (USABLE & ~AF) | ARENA | PAGE, USABLE | AP_READ_ONLY | ARENA | PAGE};
  WRITE(sctlr_el1, READ(sctlr_el1) | SCTLR_UCI | SCTLR_DZE);
  for (u32 p = 0; p < COUNT(pages); p++) {
    *leaf = pages[p];
    flush();
    put_field("page", pages[p]);
    put("\n");
    for (u32 el = 0; el < 2; el++)
      for (u32 i = 0; i < COUNT(maintenance); i++) {
        if (el == 0 && maintenance[i].probe == invalidate) continue;
        name_of("", el, maintenance[i].name);
        test("", el, maintenance[i].probe, va + 0x48, 0x55);
      }
  }
  *leaf = pages[1];
  flush();
  put("ranges\n");
  all_accesses("above TTBR0", 1ul << low_bits);
  all_accesses("below TTBR1", (~0ul << high_bits) - size);
  all_accesses("between", 0x0080000000000000);
  all_accesses("between, upper", 0xff00000000000000);
  all_accesses("tag", va | 0x5a00000000000000);
  mmu_on(&low, &high, 3ul << 37);
  all_accesses("ignored tag", va | 0x5a00000000000000);
  all_accesses("ignored tag, upper", high_va & ~(0x5aul << 56));
  *leaf = 0;
  flush();
  all_accesses("fault with a tag", va | 0x5a00000000000000);
  *leaf = pages[1];
  mmu_on(&low, 0, 0);
  all_accesses("EPD1", high_va);
  mmu_on(&low, &high, 0);
  put("ASIDs\n");
  *entry_of(&low, va, 3) = USABLE | ARENA | NG | PAGE;
  flush();
  REG64(ARENA) = RET;
  for (u64 asid = 1; asid < 4; asid++) {
    WRITE(ttbr0_el1, low.root | asid << 48);
    test("ASID", 1, load, va, 0);
  }
  // Nothing of ASID 3 is known any more, of ASID 2 either.
  *leaf = (USABLE | NG | PAGE) + ARENA + 0x100000;
  REG64(ARENA + 0x100000) = 0x1234;
  asm volatile("dsb sy\ntlbi aside1, %0\ndsb sy\nisb" ::"r"(3ul << 48) : "memory");
  test("after TLBI ASIDE1", 1, load, va, 0);
  *leaf = USABLE | NG | PAGE | ARENA;
  asm volatile("dsb sy\ntlbi vae1, %0\ndsb sy\nisb" ::"r"(3ul << 48 | va >> 12) : "memory");
  test("after TLBI VAE1", 1, load, va, 0);
  *leaf = (USABLE | NG | PAGE) + ARENA + 0x100000;
  asm volatile("dsb sy\ntlbi vaae1, %0\ndsb sy\nisb" ::"r"(va >> 12) : "memory");
  test("after TLBI VAAE1", 1, load, va, 0);
  *leaf = USABLE | NG | PAGE | ARENA;
  asm volatile("dsb sy\ntlbi vale1is, %0\ndsb sy\nisb" ::"r"(3ul << 48 | va >> 12) : "memory");
  test("after TLBI VALE1IS", 1, load, va, 0);
  WRITE(ttbr0_el1, low.root);
  mmu_off();
  put("without the MMU\n");
  test("off by 1", 1, load, ARENA + 1, 0);
  test("beyond 48 bits", 1, load, 1ul << 48, 0);
  test("beyond 44 bits", 1, load, 1ul << 45, 0);
  test("fetch beyond", 1, fetch, 1ul << 48, 0);
  test("nobody", 1, load, NOBODY, 0);
  test("nobody, a store", 1, store, NOBODY, 0);
  test("fetch from nobody", 1, fetch, NOBODY, 0);
}

void main(void) {
  whole(12, 48, 39);
  whole(14, 48, 42);
  whole(16, 48, 42);
}
