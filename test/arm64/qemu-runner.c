// SPDX-License-Identifier: MIT
// Runs sequences of instructions, as they come on stdin, and writes the state after each
// to stdout. Without a C library, so that TPIDR_EL0 is free: the sequences end there with
// all registers in use. Layouts: test/arm64/oracle.ts.

typedef unsigned long u64;
typedef unsigned int u32;
typedef unsigned char u8;

#define CODE 0x20000000ul
#define DATA 0x20010000ul
#define DATA_SIZE 0x20000ul
#define WINDOW (DATA + 0x7000)
#define WINDOW_SIZE 0x2000ul

struct state {
  u64 x[31], sp, nzcv, hash;
};
struct input {
  u32 offset, words;
  struct state before;
};

static long call(long n, long a, long b, long c, long d, long e, long f) {
  register long x8 __asm__("x8") = n;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}

static int take(void *to, u64 size) {
  for (u8 *at = to; size > 0;) {
    long got = call(63, 0, (long)at, size, 0, 0, 0);
    if (got <= 0) return 0;
    at += got;
    size -= got;
  }
  return 1;
}

static void give(const void *from, u64 size) {
  for (const u8 *at = from; size > 0;) {
    long put = call(64, 1, (long)at, size, 0, 0, 0);
    if (put <= 0) call(94, 1, 0, 0, 0, 0, 0);
    at += put;
    size -= put;
  }
}

void *memcpy(void *to, const void *from, u64 size) {
  for (u64 i = 0; i < size; i++) ((volatile u8 *)to)[i] = ((const u8 *)from)[i];
  return to;
}

struct state now;
u64 host_sp;
void enter(u64 address);
extern char leave[];

// X30 carries the address into the sequence, and the sequence's own X30 cannot be set
// otherwise: TPIDR_EL0 carries it.
__asm__(
    ".text\n"
    "enter:\n"
    "  stp x29, x30, [sp, #-96]!\n"
    "  stp x19, x20, [sp, #16]\n  stp x21, x22, [sp, #32]\n  stp x23, x24, [sp, #48]\n"
    "  stp x25, x26, [sp, #64]\n  stp x27, x28, [sp, #80]\n"
    "  adrp x1, host_sp\n  add x1, x1, :lo12:host_sp\n  mov x2, sp\n  str x2, [x1]\n"
    "  adrp x30, now\n  add x30, x30, :lo12:now\n"
    "  adrp x1, target\n  add x1, x1, :lo12:target\n  str x0, [x1]\n"
    "  ldr x0, [x30, #248]\n  mov sp, x0\n  ldr x0, [x30, #256]\n  msr nzcv, x0\n  msr tpidr_el0, xzr\n"
    "  ldp x0, x1, [x30]\n  ldp x2, x3, [x30, #16]\n  ldp x4, x5, [x30, #32]\n  ldp x6, x7, [x30, #48]\n"
    "  ldp x8, x9, [x30, #64]\n  ldp x10, x11, [x30, #80]\n  ldp x12, x13, [x30, #96]\n"
    "  ldp x14, x15, [x30, #112]\n  ldp x16, x17, [x30, #128]\n  ldp x18, x19, [x30, #144]\n"
    "  ldp x20, x21, [x30, #160]\n  ldp x22, x23, [x30, #176]\n  ldp x24, x25, [x30, #192]\n"
    "  ldp x26, x27, [x30, #208]\n  ldp x28, x29, [x30, #224]\n"
    "  adrp x30, target\n  ldr x30, [x30, :lo12:target]\n"
    "  br x30\n"
    ".globl leave\n"
    "leave:\n"
    "  msr tpidr_el0, x30\n"
    "  adrp x30, now\n  add x30, x30, :lo12:now\n"
    "  stp x0, x1, [x30]\n  stp x2, x3, [x30, #16]\n  stp x4, x5, [x30, #32]\n  stp x6, x7, [x30, #48]\n"
    "  stp x8, x9, [x30, #64]\n  stp x10, x11, [x30, #80]\n  stp x12, x13, [x30, #96]\n"
    "  stp x14, x15, [x30, #112]\n  stp x16, x17, [x30, #128]\n  stp x18, x19, [x30, #144]\n"
    "  stp x20, x21, [x30, #160]\n  stp x22, x23, [x30, #176]\n  stp x24, x25, [x30, #192]\n"
    "  stp x26, x27, [x30, #208]\n  stp x28, x29, [x30, #224]\n"
    "  mrs x0, tpidr_el0\n  str x0, [x30, #240]\n  mov x0, sp\n  str x0, [x30, #248]\n"
    "  mrs x0, nzcv\n  str x0, [x30, #256]\n"
    "  adrp x1, host_sp\n  ldr x1, [x1, :lo12:host_sp]\n  mov sp, x1\n"
    "  ldp x19, x20, [sp, #16]\n  ldp x21, x22, [sp, #32]\n  ldp x23, x24, [sp, #48]\n"
    "  ldp x25, x26, [sp, #64]\n  ldp x27, x28, [sp, #80]\n  ldp x29, x30, [sp], #96\n"
    "  ret\n"
    ".bss\n.balign 8\ntarget: .space 8\n.text\n");

static u64 hash(void) {
  u64 sum = 0xcbf29ce484222325ul;
  for (u64 *at = (u64 *)WINDOW; at < (u64 *)(WINDOW + WINDOW_SIZE); at++) sum = (sum ^ *at) * 0x100000001b3ul;
  return sum;
}

void _start(void) {
  call(222, CODE, 0x2000, 7, 0x32, -1, 0);
  call(222, DATA, DATA_SIZE, 3, 0x32, -1, 0);
  for (u64 i = 0; i < DATA_SIZE; i += 4) *(u32 *)(DATA + i) = (u32)i * 2654435761u;
  for (struct input in; take(&in, sizeof in);) {
    u32 *code = (u32 *)(CODE + in.offset);
    if (!take(code, in.words * 4ul)) break;
    // After the sequence: a branch out. The program is linked within its reach (128
    // MiB).
    u32 *end = code + in.words;
    long distance = (leave - (char *)end) / 4;
    *end = 0x14000000 | (distance & 0x3ffffff);
    for (char *at = (char *)CODE; at < (char *)CODE + 0x2000; at += 64)
      __asm__ volatile("dc cvau, %0\n dsb ish\n ic ivau, %0" ::"r"(at) : "memory");
    __asm__ volatile("dsb ish\n isb");
    now = in.before;
    // The sequence's X30 is the address it starts at.
    enter((u64)code);
    now.hash = hash();
    give(&now, sizeof now);
  }
  call(94, 0, 0, 0, 0, 0, 0);
}
