// SPDX-License-Identifier: MIT
// What a VMM does for a guest, and the guest with it, in one program at EL0: binds the DMA
// engine (a PCIe function that vfio-pci lends) to IOMMUFD, nests a stage 1 of its own
// tables, owns a VINTF, and invalidates by a VCMDQ: own-vcmdq /dev/vfio/devices/vfio0.
#include "iommufd-calls.h"
#include "stage1.h"
#include "vfio-calls.h"

/** The engine's registers by word (docs/registers.md). */
enum { CTRL = 1, STATUS = 2, LENGTH = 3, SRC = 4, PATTERN = 8 };
enum { OP_VERIFY = 3 };
enum { TEXT = 0x44434241, WORD = 4 };

/** A VCMDQ's registers by word, on page 0 (docs/cmdqv.md). */
enum { CONS = 0, PROD = 1, CONFIG = 2, VCMDQ_STATUS = 3, GERROR = 4, GERRORN = 5 };
enum { LVCMDQ_WORDS = 0x20, MOST_LVCMDQS = 64, ENABLED = 1 };
enum { COMMAND_WORDS = 2, TLBI_NH_VA = 0x12, CMD_SYNC = 0x46, UNKNOWN_OPCODE = 0xff };
static const u64 TLBI_ASID = (u64)STAGE1_ASID << 48;
static const u64 TLBI_LEAF = 1;

/** Memory of the program, and its gpa: what a guest's RAM is to a VMM. */
static const u64 RAM_GPA = 0x40000000;
enum { DATA_PAGE = STAGE1_PAGES, RINGS_PAGE };
static const u64 RAM_SIZE = 0x80000;
/** The page of the device's address space, and the StreamID that the "guest" sees. */
static const u64 IOVA = 0x10000000;
enum { VIRTUAL_SID = 8 };

enum { POLL_NS = 20000, MOST_POLLS = 50000 };

static void printStep(const char *step, u64 value) {
  print(step);
  print(" ");
  printHex(value);
  print("\n");
}

/** Waits until a register has a value under a mask, and returns the register. */
static u32 await(const volatile u32 *word, u32 mask, u32 value) {
  for (int i = 0; i < MOST_POLLS && (*word & mask) != value; i++) sleepFor(POLL_NS);
  return *word;
}

/** Has the engine compare a word at IOVA with the text, and prints the result. */
static void readByEngine(volatile u32 *engine, const char *step) {
  engine[LENGTH] = WORD;
  engine[PATTERN] = TEXT;
  engine[SRC] = (u32)IOVA;
  engine[SRC + 1] = 0;
  engine[CTRL] = OP_VERIFY;
  printStep(step, engine[STATUS]);
}

static void writeCommand(volatile u64 *ring, u32 index, u64 first, u64 second) {
  ring[index * COMMAND_WORDS] = first;
  ring[index * COMMAND_WORDS + 1] = second;
}

/** Rings the doorbell. */
static void ring(volatile u32 *vcmdq, u32 prod) {
  __asm__ volatile("dsb st" ::: "memory");
  vcmdq[PROD] = prod;
}

/** Prints the words of the next event, without its header. */
static void printEvent(const char *step, int file, u64 words) {
  static struct {
    struct veventHeader header;
    u64 data[4];
  } event;
  u64 size = sizeof event.header + words * sizeof(u64);
  long length = readEvent(file, &event, size);
  print(step);
  if (length != (long)size) print(" none");
  for (u64 i = 0; i < words && length == (long)size; i++) {
    print(" ");
    printHex(event.data[i]);
  }
  print("\n");
}

/** A VCMDQ stops at a command that it does not know, and continues when that is replaced. */
static void provokeError(volatile u32 *vcmdq, volatile u64 *ringMemory, int events) {
  writeCommand(ringMemory, 2, UNKNOWN_OPCODE, 0);
  writeCommand(ringMemory, 3, CMD_SYNC, 0);
  ring(vcmdq, 4);
  printEvent("event of the vCMDQV", events, 2);
  printStep("CONS at the unknown command", vcmdq[CONS]);
  printStep("GERROR", vcmdq[GERROR] ^ vcmdq[GERRORN]);
  writeCommand(ringMemory, 2, CMD_SYNC, 0);
  vcmdq[GERRORN] = vcmdq[GERROR];
  printStep("CONS after the error", await(&vcmdq[CONS], 0xffffffff, 4));
}

int mainOf(int argc, char **argv) {
  if (argc != 2) {
    print("own-vcmdq DEVICE\n");
    return 2;
  }
  int iommufd = openFile("/dev/iommu", O_RDWR);
  int function = openFile(argv[1], O_RDWR);
  u32 device = bindFunction(function, iommufd);
  printStep("bound", device);

  volatile u8 *ram = mapFile(-1, 0, RAM_SIZE, MAP_PRIVATE | MAP_ANONYMOUS);
  u32 ioas = allocateIoas(iommufd, ram, RAM_SIZE, RAM_GPA);
  u32 parent = allocateNestParent(iommufd, device, ioas);
  printStep("nest parent", parent);
  static struct viommuTegra241Cmdqv page0;
  u32 viommu = allocateViommu(iommufd, device, parent, &page0);
  printStep("vIOMMU", viommu);
  int faults = allocateVeventq(iommufd, viommu, VEVENTQ_ARM_SMMUV3);
  int errors = allocateVeventq(iommufd, viommu, VEVENTQ_TEGRA241_CMDQV);
  allocateVdevice(iommufd, viommu, device, VIRTUAL_SID);
  printStep("vDEVICE", VIRTUAL_SID);

  static u64 ste[2];
  steOfStage1(ste, RAM_GPA);
  u32 nested = allocateNested(iommufd, device, viommu, ste);
  attachFunction(function, nested);
  printStep("nested", nested);

  // A slot without a queue reads as zero, so its page is not the memory of a queue.
  u32 lvcmdqs = lvcmdqsOf(iommufd, device);
  if (lvcmdqs > MOST_LVCMDQS) lvcmdqs = MOST_LVCMDQS;
  for (u32 i = 0; i < lvcmdqs; i++) {
    u64 at = RAM_GPA + (RINGS_PAGE + i) * PAGE_SIZE;
    allocateHwQueue(iommufd, viommu, i, at, PAGE_SIZE);
  }
  printStep("HW queues", lvcmdqs);
  volatile u32 *vcmdq =
      (volatile u32 *)mapFile(iommufd, page0.mmapOffset, page0.mmapLength, MAP_SHARED);
  volatile u64 *ringMemory = (volatile u64 *)(ram + RINGS_PAGE * PAGE_SIZE);
  vcmdq[CONFIG] = ENABLED;
  printStep("VCMDQ status", await(&vcmdq[VCMDQ_STATUS], ENABLED, ENABLED));

  *(volatile u32 *)(ram + DATA_PAGE * PAGE_SIZE) = TEXT;
  writeStage1(ram, RAM_GPA, IOVA, RAM_GPA + DATA_PAGE * PAGE_SIZE);
  enableBusMaster(function);
  volatile u32 *engine = mapRegisters(function);
  readByEngine(engine, "read of the page");
  clearStage1(ram, IOVA);
  readByEngine(engine, "read without an entry");
  writeCommand(ringMemory, 0, TLBI_NH_VA | TLBI_ASID, IOVA | TLBI_LEAF);
  writeCommand(ringMemory, 1, CMD_SYNC, 0);
  ring(vcmdq, 2);
  printStep("CONS after the TLBI", await(&vcmdq[CONS], 0xffffffff, 2));
  readByEngine(engine, "read after the TLBI");
  printEvent("event of the vSMMU", faults, 4);
  provokeError(vcmdq, ringMemory, errors);
  print("own-vcmdq ends\n");
  return 0;
}
