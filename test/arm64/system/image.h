// SPDX-License-Identifier: MIT
// What the images have in common: a log through the PL011, what an exception has left, code at EL0, tables of pages. An image
// prints nothing that depends on where its compiler has put something, or on how long something takes.

#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

#define GICD 0x08000000ul
#define GICR 0x080a0000ul
#define GICR_SGI (GICR + 0x10000)
#define UART 0x09000000ul
#define RTC 0x09010000ul
/** RAM that is the tests' own. */
#define ARENA 0x41000000ul
/** Where EL0 finds the image, when the MMU is on. */
#define USER_ALIAS 0x1000000000ul
/** ARENA, where EL0 reads and writes it. */
#define USER_ARENA 0x1100000000ul

#define ADDRESS(offset) ((u64)(offset))
#define REG32(address) (*(volatile u32 *)(address))
#define REG8(address) (*(volatile u8 *)(address))
#define REG64(address) (*(volatile u64 *)(address))

#define READ(name)                                               \
  ({                                                             \
    u64 value_;                                                  \
    asm volatile("mrs %0, " #name : "=r"(value_)::"memory");     \
    value_;                                                      \
  })
#define WRITE(name, value) asm volatile("msr " #name ", %0\nisb" ::"r"((u64)(value)) : "memory")
#define BARRIER() asm volatile("dsb sy\nisb" ::: "memory")

/** Instructions that are called at EL0 or EL1 with X0 and X1, and return X0. */
#define PROBE(name, text)                                                                             \
  asm(".pushsection .text\n.balign 8\n.global " #name "\n" #name ":\n" text "\nret\n.popsection\n"); \
  extern const char name[]

/** Of a list of probes. */
struct named {
  const char *name;
  const void *probe;
};
#define COUNT(list) (sizeof(list) / sizeof(*list))

struct frame {
  u64 x[31], elr, spsr, sp_el0;
};

/** The first exception since `quiet`. */
struct taken {
  u64 count, vector, esr, far, elr, spsr, sp_el0;
};
extern struct taken taken;
/** Called for IRQs instead of being noted, when it is set. */
extern void (*on_irq)(struct frame *);

void quiet(void);
void put(const char *text);
void put_hex(u64 value);
/** Prints " name=value". */
void put_field(const char *name, u64 value);

/** Calls a probe at EL1 or EL0: returns X0 after it. */
u64 call(u32 el, const void *probe, u64 x0, u64 x1);
/** Prints a line: what the last call came to. ELR is told from `pc` on, that of a fetch from FAR on. */
void show(const char *what, const void *pc, u64 result);
/** Calls a probe, and prints a line. */
u64 test(const char *what, u32 el, const void *probe, u64 x0, u64 x1);

/** A table of pages, of one granule. */
struct space {
  u32 granule, bits;
  u64 root;
};
enum { VALID = 1, TABLE = 3, PAGE = 3, BLOCK = 1 };
#define ATTR(index) ((u64)(index) << 2)
#define AP_USER (1ul << 6)
#define AP_READ_ONLY (1ul << 7)
#define INNER (3ul << 8)
#define AF (1ul << 10)
#define NG (1ul << 11)
#define PXN (1ul << 53)
#define UXN (1ul << 54)
/** MAIR_EL1's attributes. */
enum { NORMAL, NGNRNE, NGNRE, UNCACHED };

/** An empty table. */
struct space new_space(u32 granule, u32 bits);
u32 first_level(const struct space *space);
u64 level_size(const struct space *space, u32 level);
/** The entry of an address at a level; tables above it are made. */
u64 *entry_of(struct space *space, u64 va, u32 level);
/** Maps the smallest page at an address; `attributes` has everything but the output address and its type. */
void map_page(struct space *space, u64 va, u64 pa, u64 attributes);
/** Devices and RAM at their addresses for EL1; for EL0 the image at USER_ALIAS and ARENA at USER_ARENA. */
void map_image(struct space *space);
/** Turns the MMU on; `tcr` is added. Either space may be missing. */
void mmu_on(const struct space *low, const struct space *high, u64 tcr);
void mmu_off(void);
void flush(void);

#define SCTLR_BASE 0x30d00980ul
#define SCTLR_M (1ul << 0)
#define SCTLR_A (1ul << 1)
#define SCTLR_C (1ul << 2)
#define SCTLR_UMA (1ul << 9)
#define SCTLR_I (1ul << 12)
#define SCTLR_DZE (1ul << 14)
#define SCTLR_UCT (1ul << 15)
#define SCTLR_NTWI (1ul << 16)
#define SCTLR_NTWE (1ul << 18)
#define SCTLR_WXN (1ul << 19)
#define SCTLR_SPAN (1ul << 23)
#define SCTLR_UCI (1ul << 26)
