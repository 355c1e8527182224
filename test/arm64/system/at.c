// SPDX-License-Identifier: MIT
// AT: what PAR_EL1 has, for memory of all kinds, with faults of all kinds, and what it leaves alone.

#include "image.h"

#define USABLE (ATTR(NORMAL) | INNER | AF | AP_USER)

static u64 translate(u32 what, u64 va) {
  switch (what) {
    case 0:
      asm volatile("at s1e1r, %0\nisb" ::"r"(va) : "memory");
      break;
    case 1:
      asm volatile("at s1e1w, %0\nisb" ::"r"(va) : "memory");
      break;
    case 2:
      asm volatile("at s1e0r, %0\nisb" ::"r"(va) : "memory");
      break;
    default:
      asm volatile("at s1e0w, %0\nisb" ::"r"(va) : "memory");
  }
  u64 par = READ(par_el1);
  // NS is UNKNOWN for a Non-secure regime.
  return par & 1 ? par : par & ~(1ul << 9);
}

static void all(const char *what, u64 va) {
  WRITE(esr_el1, 0x123);
  WRITE(far_el1, 0x456);
  put(what);
  put_field("s1e1r", translate(0, va));
  put_field("s1e1w", translate(1, va));
  put_field("s1e0r", translate(2, va));
  put_field("s1e0w", translate(3, va));
  put_field("esr", READ(esr_el1));
  put_field("far", READ(far_el1));
  put("\n");
}

static void whole(u32 granule) {
  put_field("granule", granule);
  put("\n");
  struct space low = new_space(granule, 48), high = new_space(granule, 42);
  map_image(&low);
  u64 va = (1ul << 47) + (3ul << granule), high_va = ~0ul << 42 | 9ul << granule;
  map_page(&low, va, ARENA, USABLE);
  map_page(&high, high_va, ARENA, USABLE);
  mmu_on(&low, &high, 0);
  all("page", va + 0x123);
  all("upper page", high_va + 0x123);
  for (u32 attribute = 0; attribute < 4; attribute++)
    for (u64 shareable = 0; shareable < 4; shareable++) {
      if (shareable == 1) continue;
      map_page(&low, va, ARENA, ATTR(attribute) | shareable << 8 | AF | AP_USER);
      flush();
      put_field("attribute", attribute);
      put_field("shareable", shareable);
      all("", va);
    }
  for (u64 ap = 0; ap < 4; ap++) {
    map_page(&low, va, ARENA, ATTR(NORMAL) | INNER | AF | ap << 6);
    flush();
    put_field("ap", ap);
    all("", va);
  }
  map_page(&low, va, ARENA, USABLE & ~AF);
  flush();
  all("no access flag", va);
  for (u32 level = 3;; level--) {
    u64 *entry = entry_of(&low, va, level);
    u64 old = *entry;
    put_field("level", level);
    *entry = 0;
    flush();
    all(" invalid", va);
    *entry = (1ul << 41) | USABLE | PAGE;
    flush();
    put_field("level", level);
    all(" address size", va);
    if (level == 2) {
      *entry = (ARENA & ~(level_size(&low, 2) - 1)) | USABLE | NG | BLOCK;
      flush();
      all("block", va);
    }
    *entry = old;
    if (level == first_level(&low)) break;
  }
  flush();
  all("out of range", 1ul << 52);
  // PAR_EL1 is a register like others, too.
  WRITE(par_el1, 0x5a5a5a5a5a5a5a5a);
  put_field("par", READ(par_el1));
  put("\n");
  mmu_off();
  all("without the MMU", ARENA + 0x1234);
}

void main(void) {
  whole(12);
  whole(14);
  whole(16);
}
