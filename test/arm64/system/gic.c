// SPDX-License-Identifier: MIT
// GICv3: registers of the distributor, of a redistributor and of the CPU interface; priorities, masks, preemption, both EOI
// modes, SGIs, SPIs by level and by edge (the UART's and the clock's lines).

#include "image.h"

#define GICD_BIT(base, intid) (base + (intid) / 32 * 4)
enum {
  IGROUPR = 0x80,
  ISENABLER = 0x100,
  ICENABLER = 0x180,
  ISPENDR = 0x200,
  ICPENDR = 0x280,
  ISACTIVER = 0x300,
  ICACTIVER = 0x380
};
#define IPRIORITYR 0x400
#define ICFGR 0xc00
#define UART_INTID 33
#define RTC_INTID 34

static u64 frame_of(u32 intid) { return intid < 32 ? GICR_SGI : GICD; }
static void set_bit(u32 base, u32 intid) { REG32(GICD_BIT(frame_of(intid) + base, intid)) = 1u << intid % 32; }
static u32 get_bit(u32 base, u32 intid) { return REG32(GICD_BIT(frame_of(intid) + base, intid)) >> intid % 32 & 1; }
static void set_priority(u32 intid, u8 priority) { REG8(frame_of(intid) + IPRIORITYR + intid) = priority; }
static void set_edge(u32 intid, u32 edge) {
  u64 at = frame_of(intid) + ICFGR + intid / 16 * 4;
  u32 shift = intid % 16 * 2;
  REG32(at) = (REG32(at) & ~(3u << shift)) | (edge ? 2u << shift : 0);
}
static void sgi(u32 intid) {
  WRITE(icc_sgi1r_el1, (u64)intid << 24 | 1);
  BARRIER();
}

static void state(const char *what, u32 intid) {
  put(what);
  put_field("intid", intid);
  put_field("enabled", get_bit(ISENABLER, intid));
  put_field("pending", get_bit(ISPENDR, intid));
  put_field("active", get_bit(ISACTIVER, intid));
  put_field("group", get_bit(IGROUPR, intid));
  put_field("isr", READ(isr_el1));
  put_field("hppir", READ(icc_hppir1_el1));
  put_field("rpr", READ(icc_rpr_el1));
  put_field("ap1r", READ(icc_ap1r0_el1));
  put("\n");
}

static void register_of(const char *what, u64 at) {
  put(what);
  put_field("value", REG32(at));
  REG32(at) = ~0u;
  put_field("of ones", REG32(at));
  REG32(at) = 0;
  put_field("of zeros", REG32(at));
  put("\n");
}

static void registers(void) {
  put_field("GICD_CTLR", REG32(GICD));
  REG32(GICD) = ~0u;
  put_field("of ones", REG32(GICD));
  REG32(GICD) = 0;
  put_field("of zeros", REG32(GICD));
  put_field("lines", REG32(GICD + 4) & 0x1f);
  put_field("PIDR2", REG32(GICD + 0xffe8) >> 4 & 15);
  put_field("GICR PIDR2", REG32(GICR + 0xffe8) >> 4 & 15);
  put_field("GICR_TYPER", REG64(GICR + 8) & ~0xful);
  put_field("last", REG32(GICR + 8) >> 4 & 1);
  put_field("GICR_WAKER", REG32(GICR + 0x14));
  REG32(GICR + 0x14) = 0;
  put_field("awake", REG32(GICR + 0x14));
  put("\n");
  register_of("GICD_IGROUPR0", GICD + IGROUPR);
  register_of("GICD_IGROUPR1", GICD + IGROUPR + 4);
  register_of("GICD_ISENABLER0", GICD + ISENABLER);
  register_of("GICD_ISENABLER2", GICD + ISENABLER + 8);
  register_of("GICD_ICENABLER2", GICD + ICENABLER + 8);
  register_of("GICD_ISPENDR2", GICD + ISPENDR + 8);
  register_of("GICD_ICPENDR2", GICD + ICPENDR + 8);
  register_of("GICD_ISACTIVER2", GICD + ISACTIVER + 8);
  register_of("GICD_ICACTIVER2", GICD + ICACTIVER + 8);
  register_of("GICD_IPRIORITYR0", GICD + IPRIORITYR);
  register_of("GICD_IPRIORITYR64", GICD + IPRIORITYR + 64);
  register_of("GICD_ITARGETSR64", GICD + 0x800 + 64);
  register_of("GICD_ICFGR0", GICD + ICFGR);
  register_of("GICD_ICFGR4", GICD + ICFGR + 16);
  register_of("GICD_SGIR", GICD + 0xf00);
  register_of("GICD_CPENDSGIR0", GICD + 0xf10);
  register_of("GICD_IROUTER32 high", GICD + 0x6100 + 4);
  register_of("GICD_IROUTER31", GICD + 0x60f8);
  register_of("GICR_IGROUPR0", GICR_SGI + IGROUPR);
  register_of("GICR_ISENABLER0", GICR_SGI + ISENABLER);
  register_of("GICR_ICENABLER0", GICR_SGI + ICENABLER);
  register_of("GICR_ISPENDR0", GICR_SGI + ISPENDR);
  register_of("GICR_ICPENDR0", GICR_SGI + ICPENDR);
  register_of("GICR_ISACTIVER0", GICR_SGI + ISACTIVER);
  register_of("GICR_ICACTIVER0", GICR_SGI + ICACTIVER);
  register_of("GICR_IPRIORITYR1", GICR_SGI + IPRIORITYR + 4);
  register_of("GICR_IPRIORITYR7", GICR_SGI + IPRIORITYR + 28);
  register_of("GICR_ICFGR0", GICR_SGI + ICFGR);
  register_of("GICR_ICFGR1", GICR_SGI + ICFGR + 4);
  REG64(GICD + 0x6100) = 0xff000000ful;
  put_field("GICD_IROUTER32", REG64(GICD + 0x6100));
  REG64(GICD + 0x6100) = 0;
  put("\n");
}

#define ICC(name, value)                    \
  do {                                      \
    put(#name);                             \
    put_field("value", READ(name));         \
    WRITE(name, value);                     \
    put_field("written", READ(name));       \
    put("\n");                              \
  } while (0)

static void interface(void) {
  ICC(icc_sre_el1, 0);
  WRITE(icc_sre_el1, 7);
  ICC(icc_pmr_el1, ~0ul);
  ICC(icc_pmr_el1, 0x5f);
  ICC(icc_pmr_el1, 0);
  ICC(icc_bpr0_el1, 0);
  ICC(icc_bpr0_el1, 0xff);
  ICC(icc_bpr1_el1, 0);
  ICC(icc_bpr1_el1, 5);
  put_field("icc_ctlr_el1", READ(icc_ctlr_el1) & ~0x40000ul);
  put("\n");
  for (u64 control = 0; control < 4; control++) {
    WRITE(icc_ctlr_el1, control);
    put_field("control", READ(icc_ctlr_el1) & 3);
    put_field("bpr1", READ(icc_bpr1_el1));
    WRITE(icc_bpr0_el1, 4);
    put_field("bpr1", READ(icc_bpr1_el1));
    put("\n");
  }
  WRITE(icc_ctlr_el1, 0);
  WRITE(icc_bpr0_el1, 0);
  WRITE(icc_bpr1_el1, 0);
  ICC(icc_igrpen0_el1, 3);
  WRITE(icc_igrpen0_el1, 0);
  ICC(icc_igrpen1_el1, 3);
  WRITE(icc_igrpen1_el1, 0);
  ICC(icc_ap1r0_el1, 0);
  ICC(icc_ap0r0_el1, 0);
  put_field("rpr", READ(icc_rpr_el1));
  put_field("iar1", READ(icc_iar1_el1));
  put_field("iar0", READ(icc_iar0_el1));
  put_field("hppir1", READ(icc_hppir1_el1));
  put_field("hppir0", READ(icc_hppir0_el1));
  put("\n");
}

/** Everything off, of group 1, at priority 0xa0, by level; nothing pending or active. */
static void clear(void) {
  for (u32 i = 0; i < 3; i++) {
    u64 frame = i == 0 ? GICR_SGI : GICD;
    REG32(frame + ICENABLER + 4 * i) = ~0u;
    REG32(frame + ICPENDR + 4 * i) = ~0u;
    REG32(frame + ICACTIVER + 4 * i) = ~0u;
    REG32(frame + IGROUPR + 4 * i) = ~0u;
    for (u32 intid = 32 * i; intid < 32 * i + 32; intid += 4) REG32(frame + IPRIORITYR + intid) = 0xa0a0a0a0;
  }
  REG32(GICD + ICFGR + 8) = 0;
  REG32(GICD + ICFGR + 12) = 0;
  REG32(GICR_SGI + ICFGR + 4) = 0;
  REG32(GICD) = 0x12;
  WRITE(icc_pmr_el1, 0xff);
  WRITE(icc_bpr0_el1, 0);
  WRITE(icc_bpr1_el1, 0);
  WRITE(icc_ctlr_el1, 0);
  WRITE(icc_igrpen1_el1, 1);
}

static u64 acknowledge(const char *what) {
  u64 intid = READ(icc_iar1_el1);
  put(what);
  put_field("iar", intid);
  put_field("rpr", READ(icc_rpr_el1));
  put_field("ap1r", READ(icc_ap1r0_el1));
  put_field("hppir", READ(icc_hppir1_el1));
  put_field("isr", READ(isr_el1));
  if (intid < 1020) {
    put_field("pending", get_bit(ISPENDR, intid));
    put_field("active", get_bit(ISACTIVER, intid));
  }
  put("\n");
  return intid;
}

static void end(const char *what, u64 intid) {
  WRITE(icc_eoir1_el1, intid);
  put(what);
  put_field("eoi", intid);
  put_field("rpr", READ(icc_rpr_el1));
  put_field("ap1r", READ(icc_ap1r0_el1));
  put_field("hppir", READ(icc_hppir1_el1));
  put_field("isr", READ(isr_el1));
  put_field("active", intid < 1020 ? get_bit(ISACTIVER, intid) : 0);
  put("\n");
}

static void enables(void) {
  put("enables\n");
  clear();
  sgi(3);
  state("not enabled", 3);
  acknowledge("not enabled");
  set_bit(ISENABLER, 3);
  state("enabled", 3);
  WRITE(icc_igrpen1_el1, 0);
  state("ICC_IGRPEN1 0", 3);
  WRITE(icc_igrpen1_el1, 1);
  REG32(GICD) = 0x10;
  state("GICD_CTLR without group 1", 3);
  acknowledge("GICD_CTLR without group 1");
  REG32(GICD) = 0x12;
  static const u8 masks[] = {0xff, 0xf8, 0xa8, 0xa0, 0x98, 0};
  for (u32 i = 0; i < sizeof(masks); i++) {
    WRITE(icc_pmr_el1, masks[i]);
    put_field("mask", masks[i]);
    state("", 3);
  }
  acknowledge("all masked");
  WRITE(icc_pmr_el1, 0xff);
  REG32(GICR_SGI + IGROUPR) = 0;
  state("group 0", 3);
  acknowledge("group 0");
  REG32(GICR_SGI + IGROUPR) = ~0u;
  end("", acknowledge("at last"));
  acknowledge("nothing");
  set_bit(ISPENDR, 3);
  state("pending by a write", 3);
  set_bit(ICPENDR, 3);
  state("not pending by a write", 3);
  set_bit(ISACTIVER, 3);
  sgi(3);
  state("active by a write", 3);
  set_bit(ICACTIVER, 3);
  state("not active by a write", 3);
  end("", acknowledge("by writes"));
}

static void priorities(void) {
  put("priorities\n");
  clear();
  static const u8 of[] = {0xa0, 0x80, 0x80, 0xf0, 0x00, 0x40, 0xf8, 0x98};
  for (u32 i = 0; i < sizeof(of); i++) {
    set_priority(i, of[i]);
    put_field("priority", REG8(GICR_SGI + IPRIORITYR + i));
    set_bit(ISENABLER, i);
  }
  put("\n");
  for (u32 i = 0; i < sizeof(of); i++) sgi(i);
  // Ended at once, in order.
  for (u32 i = 0; i < sizeof(of) + 1; i++) {
    u64 intid = acknowledge("");
    if (intid < 1020) end("", intid);
  }
  // Preemption, by binary point.
  for (u64 point = 0; point < 8; point++) {
    clear();
    WRITE(icc_bpr1_el1, point);
    put_field("binary point", READ(icc_bpr1_el1));
    put("\n");
    static const u8 nested[] = {0xa8, 0xa0, 0x88, 0x80, 0x40, 0x00};
    u64 taken_intids[6];
    u32 depth = 0;
    for (u32 i = 0; i < sizeof(nested); i++) {
      set_priority(i, nested[i]);
      set_bit(ISENABLER, i);
      sgi(i);
      u64 intid = acknowledge("");
      if (intid < 1020) taken_intids[depth++] = intid;
    }
    while (depth) end("", taken_intids[--depth]);
    for (u64 intid; (intid = acknowledge("left")) < 1020;) end("", intid);
  }
  // The binary point of group 0.
  clear();
  WRITE(icc_bpr0_el1, 5);
  WRITE(icc_ctlr_el1, 1);
  set_priority(1, 0xa0);
  set_priority(2, 0x80);
  set_priority(3, 0x40);
  for (u32 i = 1; i < 4; i++) set_bit(ISENABLER, i);
  sgi(1);
  acknowledge("common");
  sgi(2);
  acknowledge("common");
  sgi(3);
  acknowledge("common");
  end("", 3);
  end("", 1);
  end("", acknowledge("common"));
}

static void modes(void) {
  put("EOI modes\n");
  for (u64 mode = 0; mode < 2; mode++) {
    clear();
    WRITE(icc_ctlr_el1, mode << 1);
    put_field("mode", mode);
    put("\n");
    set_bit(ISENABLER, 5);
    set_bit(ISENABLER, 6);
    set_priority(6, 0x50);
    sgi(5);
    acknowledge("");
    sgi(5);
    sgi(6);
    state("again", 5);
    acknowledge("");
    end("", 6);
    state("", 6);
    end("", 5);
    state("", 5);
    if (mode) {
      WRITE(icc_dir_el1, 6);
      state("DIR", 6);
      WRITE(icc_dir_el1, 5);
      state("DIR", 5);
    }
    end("", acknowledge(""));
    if (mode) WRITE(icc_dir_el1, 5);
    // Ends of what is not active, and of what there is not.
    end("not active", 5);
    end("spurious", 1023);
    end("beyond", 900);
    state("", 5);
  }
}

static volatile u32 depth, deepest, count;

static void handle(struct frame *frame) {
  (void)frame;
  u64 elr = READ(elr_el1), spsr = READ(spsr_el1);
  u64 intid = READ(icc_iar1_el1);
  count++;
  depth++;
  if (depth > deepest) deepest = depth;
  put_field("taken", intid);
  put_field("depth", depth);
  put_field("rpr", READ(icc_rpr_el1));
  put("\n");
  if (intid == 1) {
    sgi(2);
    sgi(3);
    asm volatile("msr daifclr, #2\nisb\nnop\nmsr daifset, #2" ::: "memory");
  }
  if (intid < 1020) WRITE(icc_eoir1_el1, intid);
  depth--;
  WRITE(elr_el1, elr);
  WRITE(spsr_el1, spsr);
}

static void nesting(void) {
  put("nesting\n");
  clear();
  for (u32 i = 1; i < 4; i++) set_bit(ISENABLER, i);
  set_priority(3, 0x20);
  on_irq = handle;
  sgi(1);
  state("masked by PSTATE", 1);
  asm volatile("msr daifclr, #2\nisb" ::: "memory");
  while (count < 3) continue;
  asm volatile("msr daifset, #2" ::: "memory");
  put_field("deepest", deepest);
  put("\n");
  // Without a handler: the vector.
  on_irq = 0;
  quiet();
  sgi(1);
  asm volatile("msr daifclr, #2\nisb\nnop\nmsr daifset, #2" ::: "memory");
  put_field("vector", taken.vector);
  put_field("count", taken.count);
  put_field("spsr", taken.spsr & 0x3df);
  put("\n");
  end("", acknowledge(""));
}

static void sgis(void) {
  put("SGIs\n");
  clear();
  REG32(GICR_SGI + ISENABLER) = 0xffff;
  static const u64 values[] = {
      0x0000000000000001 | 7ul << 24,  // itself
      0x0000010000000000 | 8ul << 24,  // all others
      0x0000000000000002 | 9ul << 24,  // vCPU 1
      0x0000000000010001 | 10ul << 24, // another Aff1
      0x0000000100000001 | 11ul << 24, // another Aff2
      0x0001000000000001 | 12ul << 24, // another Aff3
      0x0000000000000000 | 13ul << 24, // nobody
      0x000000000000ffff | 14ul << 24, // all of Aff1 0
  };
  for (u32 i = 0; i < COUNT(values); i++) {
    WRITE(icc_sgi1r_el1, values[i]);
    BARRIER();
    put_field("SGI1R", values[i]);
    put_field("pending", REG32(GICR_SGI + ISPENDR) & 0xffff);
    put("\n");
    REG32(GICR_SGI + ICPENDR) = 0xffff;
  }
  WRITE(icc_asgi1r_el1, 1 | 4ul << 24);
  WRITE(icc_sgi0r_el1, 1 | 5ul << 24);
  put_field("of other groups", REG32(GICR_SGI + ISPENDR) & 0xffff);
  put("\n");
  REG32(GICR_SGI + ICPENDR) = 0xffff;
  // Each is pending once.
  sgi(7);
  sgi(7);
  end("", acknowledge(""));
  acknowledge("once");
}

static void uart_line(u32 high) {
  // Receive time-out and transmit: the line is high while one of RIS is enabled, and transmit is there after a byte.
  REG32(UART + 0x38) = high ? 0x20 : 0;
  BARRIER();
}

static void spis(void) {
  put("SPIs\n");
  clear();
  uart_line(0);
  put("a byte\n");
  set_bit(ISENABLER, UART_INTID);
  state("low", UART_INTID);
  uart_line(1);
  state("high", UART_INTID);
  set_bit(ICPENDR, UART_INTID);
  state("high, ICPENDR", UART_INTID);
  u64 intid = acknowledge("level");
  end("still high", intid);
  acknowledge("again");
  uart_line(0);
  state("low, active", UART_INTID);
  end("low", UART_INTID);
  acknowledge("nothing");
  set_bit(ISPENDR, UART_INTID);
  state("low, ISPENDR", UART_INTID);
  uart_line(1);
  uart_line(0);
  state("high and low, ISPENDR", UART_INTID);
  end("", acknowledge("latched"));
  acknowledge("nothing");
  uart_line(1);
  REG32(UART + 0x44) = 0x20;
  state("ended at the device", UART_INTID);
  acknowledge("nothing");
  put("edge\n");
  uart_line(0);
  set_edge(UART_INTID, 1);
  put_field("ICFGR", REG32(GICD + ICFGR + 8));
  put("\n");
  uart_line(1);
  state("an edge", UART_INTID);
  uart_line(0);
  state("kept", UART_INTID);
  intid = acknowledge("edge");
  uart_line(1);
  state("another edge, active", UART_INTID);
  end("", intid);
  end("", acknowledge("the other edge"));
  state("high, and no edge", UART_INTID);
  set_bit(ISPENDR, UART_INTID);
  state("ISPENDR", UART_INTID);
  set_bit(ICPENDR, UART_INTID);
  state("ICPENDR", UART_INTID);
  uart_line(0);
  put("routes\n");
  set_edge(UART_INTID, 0);
  REG64(GICD + 0x6000 + 8 * UART_INTID) = 5;
  uart_line(1);
  state("to nobody", UART_INTID);
  REG64(GICD + 0x6000 + 8 * UART_INTID) = 0;
  state("to this one", UART_INTID);
  uart_line(0);
  put("SPI and SGI\n");
  set_bit(ISENABLER, 40);
  set_bit(ISENABLER, 9);
  set_bit(ISENABLER, 41);
  set_priority(41, 0x90);
  set_bit(ISPENDR, 40);
  set_bit(ISPENDR, 41);
  sgi(9);
  for (u32 i = 0; i < 4; i++) {
    intid = acknowledge("");
    if (intid < 1020) end("", intid);
  }
  put("the clock's alarm\n");
  set_bit(ISENABLER, RTC_INTID);
  REG32(RTC + 0x10) = 1;
  REG32(RTC + 8) = 1000;
  put_field("ris", REG32(RTC + 0x14));
  put("\n");
  REG32(RTC + 4) = 1000;
  while (REG32(RTC) < 1000) continue;
  put_field("time", REG32(RTC) >= 1000 && REG32(RTC) < 1100);
  put("\n");
}

void main(void) {
  put("registers\n");
  registers();
  put("interface\n");
  interface();
  enables();
  priorities();
  modes();
  nesting();
  sgis();
  spis();
}
