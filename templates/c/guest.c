// A guest that brings up the SMMU's command queue and a VCMDQ of the CMDQV, and invalidates an
// ASID's translations through the VCMDQ, without leaving the guest.

#include "vsmmu.h"

#define LOG2SIZE 6
#define ENTRIES (1u << LOG2SIZE)
#define WAITS 1000
#define ASID 1

static uint32_t uart;

// A command queue: its ring, the gpa of its PROD and CONS, the next entry to fill, the wrap bit.
struct queue {
  uint32_t ring[ENTRIES][CMDQ_ENTRY_SIZE / 4] __attribute__((aligned(1024)));
  uint32_t prod_gpa, cons_gpa, prod;
};
static struct queue cmdq, vcmdq;

static void print(const char *text) {
  while (*text) vsmmu_write32(uart + PL011_DR, (uint32_t)*text++);
}

static void print_number(uint32_t value) {
  if (value >= 10) print_number(value / 10);
  vsmmu_write32(uart + PL011_DR, '0' + value % 10);
}

// Adds a command, which becomes visible with `submit`.
static void add(struct queue *queue, uint32_t word0, uint32_t word1) {
  uint32_t *entry = queue->ring[queue->prod % ENTRIES];
  entry[0] = word0;
  entry[1] = word1;
  entry[2] = entry[3] = 0;
  queue->prod = (queue->prod + 1) % (2 * ENTRIES);
}

// Sends the added commands and a CMD_SYNC, and waits until all of them have completed.
static int submit(struct queue *queue) {
  add(queue, vsmmu_place(CMD_OP, OP_CMD_SYNC) | vsmmu_place(SYNC_CS, SYNC_CS_NONE), 0);
  vsmmu_write32(queue->prod_gpa, queue->prod);
  return vsmmu_poll32(queue->cons_gpa, VCMDQ_CONS_RD, queue->prod, WAITS);
}

// Enables the SMMU's own command queue and flushes the TLB. Translation stays off.
static int start_smmu(uint32_t smmu) {
  vsmmu_write32(smmu + SMMU_CR0, 0);
  if (!vsmmu_poll32(smmu + SMMU_CR0ACK, CR0_CMDQEN, 0, WAITS)) return 0;
  vsmmu_write64(smmu + SMMU_CMDQ_BASE,
                vsmmu_gpa_of(cmdq.ring) | vsmmu_place(CMDQ_BASE_LOG2SIZE, LOG2SIZE));
  vsmmu_write32(smmu + SMMU_CMDQ_PROD, 0);
  vsmmu_write32(smmu + SMMU_CMDQ_CONS, 0);
  vsmmu_write32(smmu + SMMU_CR0, vsmmu_place(CR0_CMDQEN, 1));
  if (!vsmmu_poll32(smmu + SMMU_CR0ACK, CR0_CMDQEN, 1, WAITS)) return 0;
  cmdq.prod_gpa = smmu + SMMU_CMDQ_PROD;
  cmdq.cons_gpa = smmu + SMMU_CMDQ_CONS;
  add(&cmdq, vsmmu_place(CMD_OP, OP_TLBI_NSNH_ALL), 0);
  return submit(&cmdq);
}

// Assigns the first VCMDQ to VINTF 0 and enables both, through the registers of the logical view.
static int start_cmdqv(uint32_t cmdqv) {
  uint32_t vintf = cmdqv + CMDQV_VINTF;
  uint32_t page0 = cmdqv + CMDQV_LOGICAL_PAGE0;
  uint32_t page1 = page0 + CMDQV_PAGE_SIZE;
  vsmmu_write32(cmdqv + CMDQV_CONFIG,
                vsmmu_read32(cmdqv + CMDQV_CONFIG) | vsmmu_place(CMDQV_CONFIG_EN, 1));
  if (!vsmmu_poll32(cmdqv + CMDQV_STATUS, CMDQV_STATUS_ENABLED, 1, WAITS)) return 0;
  vsmmu_write32(vintf + VINTF_CONFIG, vsmmu_place(VINTF_CONFIG_EN, 1));
  if (!vsmmu_poll32(vintf + VINTF_STATUS, VINTF_STATUS_ENABLED, 1, WAITS)) return 0;
  // VCMDQ 0 becomes LVCMDQ 0 of VINTF 0.
  vsmmu_write32(cmdqv + CMDQV_CMDQ_ALLOC, vsmmu_place(CMDQ_ALLOC_ALLOCATED, 1));
  vsmmu_write64(page1 + VCMDQ_BASE,
                vsmmu_gpa_of(vcmdq.ring) | vsmmu_place(VCMDQ_BASE_LOG2SIZE, LOG2SIZE));
  vsmmu_write32(page0 + VCMDQ_CONFIG, vsmmu_place(VCMDQ_CONFIG_EN, 1));
  if (!vsmmu_poll32(page0 + VCMDQ_STATUS, VCMDQ_STATUS_ENABLED, 1, WAITS)) return 0;
  vcmdq.prod_gpa = page0 + VCMDQ_PROD;
  vcmdq.cons_gpa = page0 + VCMDQ_CONS;
  return 1;
}

VSMMU_EXPORT("vsmmu_abi") uint32_t vsmmu_abi(void) { return ABI_VERSION; }

VSMMU_EXPORT("_initialize") void initialize(void) {}

// Called again and again until it returns RUN_OFF. A guest that runs for long returns RUN_YIELD
// from time to time.
VSMMU_EXPORT("vsmmu_run") uint32_t run(uint32_t budget) {
  (void)budget;
  uint32_t smmu = vsmmu_find_device(ABI_KIND_SMMUV3);
  uint32_t cmdqv = vsmmu_find_device(ABI_KIND_CMDQV);
  uart = vsmmu_device_gpa(vsmmu_find_device(ABI_KIND_PL011));
  if (smmu == 0 || cmdqv == 0) {
    print("no SMMU, or no CMDQV\n");
    return RUN_OFF;
  }
  if (!start_smmu(vsmmu_device_gpa(smmu)) || !start_cmdqv(vsmmu_device_gpa(cmdqv))) {
    print("a register does not answer\n");
    return RUN_OFF;
  }
  uint32_t exits = vsmmu_info_now(ABI_AT_EXITS);
  add(&vcmdq, vsmmu_place(CMD_OP, OP_TLBI_NH_ASID), vsmmu_place(TLBI_ASID, ASID));
  int done = submit(&vcmdq);
  exits = vsmmu_info_now(ABI_AT_EXITS) - exits;
  print(done ? "TLBI_NH_ASID and CMD_SYNC completed on a VCMDQ, exits: "
             : "the VCMDQ does not answer, exits: ");
  print_number(exits);
  print("\n");
  return RUN_OFF;
}
