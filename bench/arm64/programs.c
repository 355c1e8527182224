// SPDX-License-Identifier: MIT
// Programs that measure the arm64 interpreter, next to qemu-system-aarch64: integers,
// memory, calls, a path through many small functions as in a kernel, and cold code. A
// flat program for EL1: it maps memory to itself, prints a checksum by semihosting and
// ends. -DPROGRAM selects the program, the linker's --defsym=rounds its length.

typedef unsigned long u64;
typedef unsigned int u32;
typedef unsigned char u8;

/** A number from the linker: its address is its value. */
extern const u8 rounds[];

static u8 memory[4 << 20] __attribute__((aligned(4096)));

#if PROGRAM == 0 // integers: CRC, hash, Collatz, divisions
static u64 work(u64 turns) {
  u64 sum = 0;
  for (u64 r = 0; r < turns; r++) {
    u32 crc = ~0u;
    for (u32 i = 0; i < 256; i++) {
      crc ^= (u8)(i * 7 + r);
      for (int k = 0; k < 8; k++) crc = (crc >> 1) ^ (0xedb88320u & -(crc & 1));
    }
    u64 h = 0xcbf29ce484222325ul;
    for (u32 i = 0; i < 1000; i++) h = (h ^ (i + r)) * 0x100000001b3ul;
    u64 n = 27 + r, steps = 0;
    while (n != 1 && steps < 500) {
      n = n & 1 ? 3 * n + 1 : n >> 1;
      steps++;
    }
    u64 q = 0;
    for (u64 i = 1; i < 200; i++) q += (h / i) % 97;
    sum += crc ^ h ^ steps ^ q;
  }
  return sum;
}
#elif PROGRAM == 1 // memory: shell sort, matrix, histogram, copies, strides
static u64 work(u64 turns) {
  u32 *a = (u32 *)memory;
  u64 sum = 0;
  for (u64 r = 0; r < turns; r++) {
    for (u32 i = 0; i < 4096; i++) a[i] = i * 2654435761u + (u32)r;
    for (u32 gap = 2048; gap > 0; gap >>= 1)
      for (u32 i = gap; i < 4096; i++) {
        u32 x = a[i], j = i;
        for (; j >= gap && a[j - gap] > x; j -= gap) a[j] = a[j - gap];
        a[j] = x;
      }
    u32 *m = a + 8192;
    for (u32 i = 0; i < 32; i++)
      for (u32 j = 0; j < 32; j++) {
        u32 s = 0;
        for (u32 k = 0; k < 32; k++) s += a[i * 32 + k] * a[k * 32 + j];
        m[i * 32 + j] = s;
      }
    u32 *h = a + 16384;
    for (u32 i = 0; i < 4096; i++) h[a[i] >> 24]++;
    u64 *d = (u64 *)(memory + (1 << 20)), *s = (u64 *)memory;
    for (u32 i = 0; i < 4096; i++) d[i] = s[i];
    for (u32 i = 0; i < (2 << 20); i += 4160) sum += memory[i];
    sum += m[77] + h[9];
  }
  return sum;
}
#elif PROGRAM == 2 // calls: recursion, tree, list, indirect calls
struct node {
  struct node *left, *right;
  u64 key;
};
static u64 fib(u64 n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
static u64 depth(struct node *n) {
  if (!n) return 0;
  u64 l = depth(n->left), r = depth(n->right);
  return 1 + (l > r ? l : r);
}
static u64 f0(u64 x) { return x + 1; }
static u64 f1(u64 x) { return x ^ 0x55; }
static u64 f2(u64 x) { return x * 3; }
static u64 f3(u64 x) { return x >> 1; }
static u64 (*const table[4])(u64) = {f0, f1, f2, f3};
static u64 work(u64 turns) {
  u64 sum = 0;
  for (u64 r = 0; r < turns; r++) {
    sum += fib(16);
    struct node *pool = (struct node *)memory, *root = 0;
    u32 x = 12345 + (u32)r;
    for (u32 i = 0; i < 500; i++) {
      x = x * 1664525 + 1013904223;
      struct node **at = &root;
      while (*at) at = x < (*at)->key ? &(*at)->left : &(*at)->right;
      pool[i] = (struct node){0, 0, x};
      *at = &pool[i];
    }
    sum += depth(root);
    u64 v = r;
    for (u32 i = 0; i < 1000; i++) v = table[(v ^ i) & 3](v);
    sum += v;
  }
  return sum;
}
#else // generated functions: in order and with the same data each round (3), or at random (4)
#include "generated.h"
static u64 work(u64 turns) {
  u64 sum = 0;
  u32 x = 1, *m = (u32 *)memory;
  for (u64 r = 0; r < turns; r++) {
#if PROGRAM == 3
    for (u32 i = 0; i < 64; i++) m[i] = i * 2654435761u;
    u64 y = 0;
    for (u32 i = 0; i < FUNCTIONS; i++) y += functions[i](m, i);
    sum += y;
#else
    for (u32 i = 0; i < FUNCTIONS; i++) {
      x = x * 1664525 + 1013904223;
      sum += functions[(x >> 8) % FUNCTIONS](m, sum ^ i);
    }
#endif
  }
  return sum;
}
#endif

// One block of 1 GiB: normal memory, cached, at 0x40000000.
static u64 tables[512] __attribute__((aligned(4096)));
__attribute__((used)) static u8 stack[65536] __attribute__((aligned(4096)));

static void semihost(u64 call, const void *argument) {
  register u64 x0 __asm__("x0") = call;
  register const void *x1 __asm__("x1") = argument;
  __asm__ volatile("hlt #0xf000" : "+r"(x0) : "r"(x1) : "memory");
}

__attribute__((used)) static void begin(void) {
  const u64 tcr = 2ul << 32 | 1ul << 23 | 3ul << 12 | 1 << 10 | 1 << 8 | 25;
  tables[1] = 0x40000701;
  __asm__ volatile("msr tcr_el1, %0\n msr ttbr0_el1, %1\n msr mair_el1, %2\n isb\n"
                   "tlbi vmalle1\n dsb sy\n isb\n mrs x9, sctlr_el1\n orr x9, x9, #1\n"
                   "orr x9, x9, #4\n orr x9, x9, #0x1000\n msr sctlr_el1, x9\n isb\n" ::"r"(tcr),
                   "r"(tables), "r"(0xfful)
                   : "x9", "memory");
  // Hides the address from the compiler, which would assume that it is not 0.
  u64 turns = (u64)rounds;
  __asm__("" : "+r"(turns));
  const u64 sum = work(turns);
  char text[18] = {[16] = '\n'};
  for (int i = 0; i < 16; i++) text[i] = "0123456789abcdef"[(sum >> (60 - 4 * i)) & 15];
  semihost(4, text); // SYS_WRITE0
  static const u64 ended[2] = {0x20026, 0}; // ADP_Stopped_ApplicationExit
  semihost(0x18, ended); // SYS_EXIT
  for (;;) {
  }
}

__asm__(".globl _start\n_start: adrp x9, stack + 65536\n mov sp, x9\n b begin\n");
