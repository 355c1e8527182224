// SPDX-License-Identifier: MIT
// The generic timers of EL1: compare values, ISTATUS, masks, the level of their interrupts, and waiting for them. Times are
// far from now, or short: nothing that is printed depends on how fast anything is.

#include "image.h"

/** Far from now, by any counter: about a minute of one of 1 GHz. */
#define FAR 0x1000000000ul

static u32 pending(u32 intid) { return REG32(GICR_SGI + 0x200) >> intid & 1; }

#define TIMER(kind, counter, intid)                                                                     \
  static void show_##kind(const char *what) {                                                           \
    put(what);                                                                                          \
    put_field("ctl", READ(cnt##kind##_ctl_el0));                                                        \
    put_field("pending", pending(intid));                                                               \
    put_field("other", pending(57 - intid));                                                            \
    put_field("isr", READ(isr_el1));                                                                    \
    put("\n");                                                                                          \
  }                                                                                                     \
  static void run_##kind(void) {                                                                        \
    put(#kind "\n");                                                                                    \
    WRITE(cnt##kind##_ctl_el0, 0);                                                                      \
    WRITE(cnt##kind##_cval_el0, 0);                                                                     \
    put_field("disabled, pending", pending(intid));                                                     \
    put("\n");                                                                                          \
    WRITE(cnt##kind##_ctl_el0, 1);                                                                      \
    show_##kind("due");                                                                                 \
    WRITE(cnt##kind##_ctl_el0, 3);                                                                      \
    show_##kind("due, masked");                                                                         \
    WRITE(cnt##kind##_ctl_el0, 1);                                                                      \
    show_##kind("unmasked");                                                                            \
    WRITE(cnt##kind##_cval_el0, READ(counter) + FAR);                                                   \
    show_##kind("later");                                                                               \
    WRITE(cnt##kind##_cval_el0, ~0ul);                                                                  \
    show_##kind("never");                                                                               \
    WRITE(cnt##kind##_cval_el0, 1ul << 63);                                                             \
    show_##kind("unsigned");                                                                            \
    WRITE(cnt##kind##_tval_el0, 0);                                                                     \
    show_##kind("TVAL 0");                                                                              \
    WRITE(cnt##kind##_tval_el0, 0xffffff00);                                                            \
    show_##kind("TVAL below 0");                                                                        \
    u64 before = READ(counter);                                                                         \
    WRITE(cnt##kind##_tval_el0, 0x7fffffff);                                                            \
    u64 set = READ(cnt##kind##_cval_el0), after = READ(counter);                                        \
    put_field("CVAL by TVAL", set - before >= 0x7fffffff && set - after <= 0x7fffffff);                 \
    u64 left = READ(cnt##kind##_tval_el0);                                                              \
    put_field("TVAL", left <= 0x7fffffff && left > 0x7fffffff - 10000000ul);                            \
    WRITE(cnt##kind##_cval_el0, READ(counter) + 0x180000000ul);                                         \
    left = READ(cnt##kind##_tval_el0);                                                                  \
    put_field("TVAL of more", left <= 0x80000000 && left > 0x80000000 - 10000000ul);                    \
    WRITE(cnt##kind##_cval_el0, 0);                                                                     \
    put_field("upper half", READ(cnt##kind##_tval_el0) >> 32);                                          \
    put("\n");                                                                                          \
    WRITE(cnt##kind##_ctl_el0, ~0ul);                                                                   \
    show_##kind("CTL of ones");                                                                         \
    WRITE(cnt##kind##_ctl_el0, 0);                                                                      \
    put_field("disabled, pending", pending(intid));                                                     \
    put("\n");                                                                                          \
  }

TIMER(v, cntvct_el0, 27)
TIMER(p, cntpct_el0, 30)

static volatile u32 seen, order[8];

static void handle(struct frame *frame) {
  (void)frame;
  u64 intid = READ(icc_iar1_el1);
  if (seen < 8) order[seen] = intid;
  seen++;
  if (intid == 27) WRITE(cntv_ctl_el0, 3);
  if (intid == 30) WRITE(cntp_ctl_el0, 3);
  if (intid < 1020) WRITE(icc_eoir1_el1, intid);
}

static void show_seen(const char *what) {
  put(what);
  put_field("seen", seen);
  for (u32 i = 0; i < seen && i < 8; i++) put_field("intid", order[i]);
  put("\n");
  seen = 0;
}

PROBE(user_timer, "mrs x2, cntvct_el0\nmrs x0, cntv_ctl_el0\nmsr cntv_ctl_el0, xzr\nmrs x0, cntv_ctl_el0");

void main(void) {
  REG32(GICD) = 0x12;
  REG32(GICR + 0x14) = 0;
  while (REG32(GICR + 0x14) & 4) continue;
  REG32(GICR_SGI + 0x80) = ~0u;
  WRITE(icc_sre_el1, 7);
  WRITE(icc_pmr_el1, 0xff);
  put_field("same counter", READ(cntpct_el0) - READ(cntvct_el0) + 100000000 < 200000000);
  u64 first = READ(cntvct_el0);
  for (u32 i = 0; i < 1000; i++) asm volatile("nop");
  put_field("goes on", READ(cntvct_el0) > first);
  put_field("frequency", READ(cntfrq_el0) != 0);
  put("\n");
  run_v();
  run_p();
  // Interrupts: taken once they are enabled, unmasked and due.
  on_irq = handle;
  WRITE(icc_igrpen1_el1, 1);
  WRITE(cntv_cval_el0, 0);
  WRITE(cntv_ctl_el0, 1);
  asm volatile("msr daifclr, #2\nisb\nnop" ::: "memory");
  show_seen("not enabled");
  REG32(GICR_SGI + 0x100) = 1u << 27 | 1u << 30;
  asm volatile("dsb sy\nisb" ::: "memory");
  while (!seen) continue;
  show_seen("enabled");
  asm volatile("msr daifset, #2" ::: "memory");
  WRITE(cntv_ctl_el0, 1);
  WRITE(cntp_cval_el0, 0);
  WRITE(cntp_ctl_el0, 1);
  put_field("isr", READ(isr_el1));
  put("\n");
  asm volatile("msr daifclr, #2\nisb" ::: "memory");
  while (seen < 2) continue;
  show_seen("both");
  // Asleep until then; the interrupt is masked, and wakes all the same.
  asm volatile("msr daifset, #2" ::: "memory");
  for (u32 i = 0; i < 3; i++) {
    u64 due = READ(cntvct_el0) + 100000;
    WRITE(cntv_cval_el0, due);
    WRITE(cntv_ctl_el0, 1);
    while (!(READ(cntv_ctl_el0) & 4)) asm volatile("wfi" ::: "memory");
    put_field("not early", READ(cntvct_el0) >= due);
    put_field("isr", READ(isr_el1));
    asm volatile("msr daifclr, #2\nisb" ::: "memory");
    while (!seen) continue;
    asm volatile("msr daifset, #2" ::: "memory");
    show_seen("");
  }
  // A timer that is set into the past by a change of its value while it runs, awake.
  WRITE(cntp_ctl_el0, 0);
  WRITE(cntp_cval_el0, READ(cntpct_el0) + 50000);
  WRITE(cntp_ctl_el0, 1);
  asm volatile("msr daifclr, #2\nisb" ::: "memory");
  while (!seen) continue;
  put_field("not early", READ(cntpct_el0) >= READ(cntp_cval_el0));
  show_seen("awake");
  asm volatile("msr daifset, #2" ::: "memory");
  on_irq = 0;
  for (u64 control = 0; control < 4; control++) {
    WRITE(cntkctl_el1, control << 8 | control);
    put_field("CNTKCTL", control);
    test("", 0, user_timer, 0, 0);
  }
}
