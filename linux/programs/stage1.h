// SPDX-License-Identifier: MIT
// A stage 1 that maps one page, in tables of a program's own memory: STE, CD and
// descriptors of a guest's kernel (IHI 0070 sections 5.2 and 5.4, DDI 0487 section D8.3).
#pragma once
#include "system-calls.h"

enum { PAGE_SIZE = 0x1000, PAGE_ENTRIES = 512 };
/** Pages: the CD, then tables from the root on. */
enum { STAGE1_CD, STAGE1_ROOT, STAGE1_LEVEL2, STAGE1_LEVEL3, STAGE1_PAGES };

/** ASID of the CD, and the addresses that the tables translate. */
enum { STAGE1_ASID = 5, STAGE1_ADDRESS_BITS = 39 };

static const u64 STE_VALID = 1;
static const u64 STE_CONFIG_S1 = 5 << 1;
/** Of the CD: Write-Back cacheable, Inner Shareable. */
static const u64 STE_ATTRIBUTES = 1 << 2 | 1 << 4 | 3 << 6;
/** The function's translation requests are answered. */
static const u64 STE_EATS = 1 << 28;

static const u64 CD_T0SZ = 64 - STAGE1_ADDRESS_BITS;
/** IR0, OR0: Write-Back cacheable; SH0: Inner Shareable. */
static const u64 CD_ATTRIBUTES = 1 << 8 | 1 << 10 | 3 << 12;
/** No TTB1; V; IPS of 48 bits; AFFD, AA64, R, A and ASET. */
static const u64 CD_FLAGS =
    1ul << 30 | 1ul << 31 | 5ul << 32 | 1ul << 35 | 1ul << 41 | 1ul << 45 | 1ul << 46 | 1ul << 47;
static const u64 CD_ASID = (u64)STAGE1_ASID << 48;
/** Attribute 0: Normal memory, Write-Back. */
static const u64 CD_MAIR = 0xff;

static const u64 DESCRIPTOR_TABLE = 3;
/** A page for reading and writing without privilege; Inner Shareable, AF, nG. */
static const u64 DESCRIPTOR_PAGE = 3 | 1 << 6 | 3 << 8 | 1 << 10 | 1 << 11;

/**
 * Maps the page of an iova to a gpa.
 * @param memory where the program has the pages, which have `base` as their gpa.
 */
static inline void writeStage1(volatile u8 *memory, u64 base, u64 iova, u64 gpa) {
  volatile u64 *words = (volatile u64 *)memory;
  volatile u64 *cd = words + STAGE1_CD * PAGE_ENTRIES;
  cd[0] = CD_T0SZ | CD_ATTRIBUTES | CD_FLAGS | CD_ASID;
  cd[1] = base + STAGE1_ROOT * PAGE_SIZE;
  cd[3] = CD_MAIR;
  words[STAGE1_ROOT * PAGE_ENTRIES + (iova >> 30) % PAGE_ENTRIES] =
      (base + STAGE1_LEVEL2 * PAGE_SIZE) | DESCRIPTOR_TABLE;
  words[STAGE1_LEVEL2 * PAGE_ENTRIES + (iova >> 21) % PAGE_ENTRIES] =
      (base + STAGE1_LEVEL3 * PAGE_SIZE) | DESCRIPTOR_TABLE;
  words[STAGE1_LEVEL3 * PAGE_ENTRIES + (iova >> 12) % PAGE_ENTRIES] = gpa | DESCRIPTOR_PAGE;
}

/** Unmaps the page of an iova, without an invalidation. */
static inline void clearStage1(volatile u8 *memory, u64 iova) {
  ((volatile u64 *)memory)[STAGE1_LEVEL3 * PAGE_ENTRIES + (iova >> 12) % PAGE_ENTRIES] = 0;
}

/** The words of an STE that a guest controls. */
static inline void steOfStage1(u64 ste[2], u64 base, int hasAts) {
  ste[0] = STE_VALID | STE_CONFIG_S1 | (base + STAGE1_CD * PAGE_SIZE);
  ste[1] = STE_ATTRIBUTES | (hasAts ? STE_EATS : 0);
}
