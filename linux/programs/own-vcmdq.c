// SPDX-License-Identifier: MIT
// What a VMM does for a guest, and the guest with it, in one program at EL0: binds the DMA
// engine (a PCIe function that vfio-pci lends) to IOMMUFD, nests a stage 1 of its own
// tables, owns a VINTF, and invalidates by a VCMDQ: own-vcmdq /dev/vfio/devices/vfio0. With
// "ats" as a second argument, the engine has an ATC, which it invalidates as well.
#include "iommufd-calls.h"
#include "stage1.h"
#include "vfio-calls.h"

/** The engine's registers by word (docs/registers.md). */
enum { CTRL = 1, STATUS = 2, LENGTH = 3, SRC = 4, PATTERN = 8 };
enum { OP_VERIFY = 3 };
enum { TEXT = 0x44434241, WORD = 4 };

/** A VCMDQ's registers by word, on page 0 (docs/cmdqv.md). */
enum { CONS = 0, PROD = 1, CONFIG = 2, VCMDQ_STATUS = 3, GERROR = 4, GERRORN = 5 };
enum { MOST_LVCMDQS = 64, ENABLED = 1 };
/** Commands, their size in words, and fields (IHI 0070 section 4). */
enum { TLBI_NH_VA = 0x12, ATC_INV = 0x40, CMD_SYNC = 0x46, UNKNOWN_OPCODE = 0xff };
enum { COMMAND_WORDS = 2, TLBI_LEAF = 1, TLBI_ASID_SHIFT = 48, ATC_INV_SID_SHIFT = 32 };

/** Memory of the program, and its gpa: what a guest's RAM is to a VMM. */
static const u64 RAM_GPA = 0x40000000;
enum { DATA_PAGE = STAGE1_PAGES, RINGS_PAGE, RAM_SIZE = 0x80000 };
/** The page of the device's address space, and the StreamID that the "guest" sees. */
static const u64 IOVA = 0x10000000;
static const u64 VIRTUAL_SID = 8;

enum { POLL_NS = 20000, MOST_POLLS = 50000 };

static volatile u32 *engine;
static volatile u8 *ram;
/** The registers of the first VCMDQ, its ring, and the next index of it. */
static volatile u32 *vcmdq;
static volatile u64 *ring;
static u32 prod;

static void printStep(const char *step, u64 value) {
  print(step);
  print(" ");
  printHex(value);
  print("\n");
}

/** Waits until a register has a value, and returns the register. */
static u32 await(const volatile u32 *word, u32 value) {
  for (int i = 0; i < MOST_POLLS && *word != value; i++) sleepFor(POLL_NS);
  return *word;
}

/** Has the engine compare the word at IOVA with the text, and prints the result. */
static void readByEngine(const char *step) {
  engine[LENGTH] = WORD;
  engine[PATTERN] = TEXT;
  engine[SRC] = (u32)IOVA;
  engine[SRC + 1] = 0;
  engine[CTRL] = OP_VERIFY;
  printStep(step, engine[STATUS]);
}

static void writeCommand(u32 index, u64 first, u64 second) {
  ring[index * COMMAND_WORDS] = first;
  ring[index * COMMAND_WORDS + 1] = second;
}

/** Writes a command and a CMD_SYNC, and rings the doorbell. */
static void sendCommand(u64 first, u64 second) {
  writeCommand(prod++, first, second);
  writeCommand(prod++, CMD_SYNC, 0);
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

/**
 * Allocates every VCMDQ of the VINTF: a slot without one reads as zero, so that its page is
 * not mapped into the kernel, and the doorbells in it are exits.
 */
static void allocateQueues(int iommufd, u32 device, u32 viommu) {
  u32 lvcmdqs = lvcmdqsOf(iommufd, device);
  if (lvcmdqs > MOST_LVCMDQS) lvcmdqs = MOST_LVCMDQS;
  for (u32 i = 0; i < lvcmdqs; i++)
    allocateHwQueue(iommufd, viommu, i, RAM_GPA + (RINGS_PAGE + i) * PAGE_SIZE, PAGE_SIZE);
  printStep("HW queues", lvcmdqs);
  ring = (volatile u64 *)(ram + RINGS_PAGE * PAGE_SIZE);
}

/** The engine reads from a page that is mapped, unmapped, and invalidated. */
static void invalidate(int hasAts, int events) {
  *(volatile u32 *)(ram + DATA_PAGE * PAGE_SIZE) = TEXT;
  writeStage1(ram, RAM_GPA, IOVA, RAM_GPA + DATA_PAGE * PAGE_SIZE);
  readByEngine("read of the page");
  clearStage1(ram, IOVA);
  readByEngine("read without an entry");
  sendCommand(TLBI_NH_VA | (u64)STAGE1_ASID << TLBI_ASID_SHIFT, IOVA | TLBI_LEAF);
  printStep("CONS after the TLBI", await(&vcmdq[CONS], prod));
  readByEngine("read after the TLBI");
  if (hasAts) {
    sendCommand(ATC_INV | VIRTUAL_SID << ATC_INV_SID_SHIFT, IOVA);
    printStep("CONS after the ATC_INV", await(&vcmdq[CONS], prod));
    readByEngine("read after the ATC_INV");
  } else {
    // A translation request that is denied has no event.
    printEvent("event of the vSMMU", events, 4);
  }
}

/** A VCMDQ stops at a command that it refuses, and continues when that is replaced. */
static void provokeError(const char *name, u64 command, int events) {
  u32 index = prod;
  sendCommand(command, 0);
  printEvent(name, events, 2);
  printStep("CONS at the command", vcmdq[CONS]);
  printStep("GERROR", vcmdq[GERROR] ^ vcmdq[GERRORN]);
  writeCommand(index, CMD_SYNC, 0);
  vcmdq[GERRORN] = vcmdq[GERROR];
  printStep("CONS after it", await(&vcmdq[CONS], prod));
}

int mainOf(int argc, char **argv) {
  int hasAts = argc == 3 && isSame(argv[2], "ats");
  if (argc != 2 && !hasAts) {
    print("usage: own-vcmdq FILE, own-vcmdq FILE ats\n");
    return 2;
  }
  int iommufd = openAdvising("/dev/iommu", O_RDWR, "the kernel has no IOMMUFD");
  int function = openAdvising(argv[1], O_RDWR, "lend 0000:00:03.0 offers that function as a file");
  u32 device = bindFunction(function, iommufd);
  printStep("bound", device);

  ram = mapFile("memory", -1, 0, RAM_SIZE, MAP_PRIVATE | MAP_ANONYMOUS);
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
  steOfStage1(ste, RAM_GPA, hasAts);
  u32 nested = allocateNested(iommufd, device, viommu, ste);
  attachFunction(function, nested);
  printStep("nested", nested);

  allocateQueues(iommufd, device, viommu);
  vcmdq = (volatile u32 *)mapFile("page 0 of the VINTF", iommufd, page0.mmapOffset,
                                    page0.mmapLength, MAP_SHARED);
  vcmdq[CONFIG] = ENABLED;
  printStep("VCMDQ status", await(&vcmdq[VCMDQ_STATUS], ENABLED));
  enableBusMaster(function);
  engine = mapRegisters(function);
  invalidate(hasAts, faults);
  provokeError("event of an unknown command", UNKNOWN_OPCODE, errors);
  provokeError("event of another StreamID", ATC_INV | (VIRTUAL_SID + 1) << ATC_INV_SID_SHIFT, errors);
  print("own-vcmdq ends\n");
  return 0;
}
