// A guest in C, without a C library: it finds a device of kind "addr" in the device table, has it add two numbers, and prints the sum.

typedef unsigned int u32;

#define ABI_VERSION 1
#define RUN_OFF 2
#define KIND(a, b, c, d) ((u32)(a) | (u32)(b) << 8 | (u32)(c) << 16 | (u32)(d) << 24)

__attribute__((import_module("vsmmu"), import_name("mmio_read32"))) u32 mmio_read32(u32 gpa);
__attribute__((import_module("vsmmu"), import_name("mmio_write32"))) void mmio_write32(u32 gpa, u32 value);

// The info page lies at address 0. A pointer to it has to be kept from the optimiser, for which nothing lies there.
static u32 info(u32 offset) {
  volatile u32 *page = (volatile u32 *)offset;
  return *page;
}

// gpa of the first device of a kind, 0 when there is none.
static u32 find(u32 kind) {
  u32 count = info(0x20);
  for (u32 entry = 0x100; count > 0; count--, entry += 32)
    if (info(entry) == kind) return info(entry + 4);
  return 0;
}

static void print(u32 uart, const char *text) {
  while (*text) mmio_write32(uart, (u32)*text++);
}

static void print_number(u32 uart, u32 value) {
  if (value >= 10) print_number(uart, value / 10);
  mmio_write32(uart, '0' + value % 10);
}

__attribute__((export_name("vsmmu_abi"))) u32 vsmmu_abi(void) { return ABI_VERSION; }

__attribute__((export_name("_initialize"))) void initialize(void) {}

__attribute__((export_name("vsmmu_run"))) int run(int budget) {
  (void)budget;
  u32 uart = find(KIND('u', 'a', 'r', 't'));
  u32 adder = find(KIND('a', 'd', 'd', 'r'));
  if (uart == 0 || adder == 0) return RUN_OFF;
  mmio_write32(adder + 0, 40);
  mmio_write32(adder + 4, 2);
  print(uart, "40 + 2 = ");
  print_number(uart, mmio_read32(adder + 8));
  print(uart, "\n");
  return RUN_OFF;
}
