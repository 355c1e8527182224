// SPDX-License-Identifier: MIT
// The drain in C: the cost of the same loop without WebAssembly. It has the same queue
// block, checks of guest-controlled values, atomics and IOTLB sweep
// (assembly/vcmdq-drain, assembly/smmu-core), and lacks what no benchmark reaches:
// errors, parking, other queue kinds, CFGI.
//
// Reads requests from stdin, one per line: "<opcode> <batch> <batches> <full>"; answers
// each with its duration in nanoseconds.

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SETS = 1024, WAYS = 4, THREADS = 64, ATC_PORTS = 64, SIDS = 16, LOG2SIZE = 10, BUDGET = 256, ROUNDS = 4, VMID = 7, THREAD_ID = 2 };
enum { RING = 0x200000, PAGE0 = 0x10000, GUEST_SIZE = 0x800000, VMIDS = 0x10000 };
enum { CONS = 0, PROD = 4, CONFIG = 8, STATUS = 12, GERROR = 16, GERRORN = 20 };
enum { SYNC_OP = 0x46, NH_ASID = 0x11, NH_VA = 0x12, S12_VMALL = 0x28, ATC_INV = 0x40 };
enum { A_ILLEGAL, A_SYNC, A_NH_ALL, A_NH_ASID, A_NH_VA, A_NH_VAA, A_S12_VMALL, A_S2_IPA, A_NSNH, A_STE, A_RANGE, A_CD, A_CD_ALL, A_ATC, A_NONE, A_HOST };
enum { DONE, SYNC, HOST, ILLEGAL = 0x100, RIL = 1 << 10 };
enum { BUSY = 1, KILLED = 2, TAG_USED = 1u << 31, META_GLOBAL = 1 << 22, META_S2 = 1 << 23 };
#define META_VALID (1u << 31)
#define ANY_ASID 0x10000u

typedef struct { _Atomic uint32_t seq, victim, pad[2], tags[WAYS]; } Set;
typedef struct { _Atomic uint32_t meta, asid_perm; _Atomic uint64_t page, pa; _Atomic int64_t gen, all_gen; uint64_t pad[3]; } Entry;
typedef struct { _Atomic int64_t any_gen, all_gen; _Atomic uint64_t sizes; _Atomic int32_t fractured; char pad[0x64]; _Atomic int64_t asid_gen[16]; } Vmid;
typedef struct { _Atomic int64_t in_flight; uint32_t run_vmid; int64_t run_gen; char pad[0x1e8]; } Thread;
typedef struct { _Atomic uint32_t sid; _Atomic int32_t requests, completions; char pad[52]; } Port;
typedef struct {
  _Atomic uint32_t enabled;
  uint32_t hyp_own;
  _Atomic uint32_t vmid;
  uint32_t window;
  _Atomic uint32_t page0;
  uint32_t lvcmdqs;
  _Atomic int32_t doorbells;
  _Atomic uint32_t match[SIDS], replace[SIDS];
  _Atomic uint8_t map[128];
} Context;
typedef struct {
  _Atomic int32_t owners;
  int32_t owner_thread;
  uint32_t kind, lvcmdq;
  _Atomic uint32_t allocated;
  uint32_t enabled, log2size, ring_window, ring, cons, err, state, gerror;
  int64_t commands, syncs, rewrites;
} Queue;

static Set *sets;
static Entry *entries;
static Vmid *vmids;
static Port ports[ATC_PORTS];
static Thread threads[THREADS];
static Context context;
static Queue queue;
static uint8_t actions[4][256];
static uint8_t *guest;
static _Atomic int32_t thread_count, attention, stat_atc, cmdqv_enabled = 1;
static _Atomic uint32_t atc_ports;
static _Atomic int64_t sync_epoch;
static uint32_t rewrites, atc_invs; // of one run
static uint32_t guest_size = GUEST_SIZE, window = 1, idr3 = RIL;

// The guest port: bounds-checked accesses to guest memory.
static bool fits(uint32_t at, uint32_t size) { return at <= guest_size - size && (at & (size - 1)) == 0; }
static uint64_t load64(uint32_t at) { return fits(at, 8) ? atomic_load((_Atomic uint64_t *)(guest + at)) : 0; }
static void store32(uint32_t at, uint32_t value) { if (fits(at, 4)) atomic_store((_Atomic uint32_t *)(guest + at), value); }

static void raise_to(_Atomic int64_t *at, int64_t generation) {
  int64_t seen = atomic_load(at);
  while (seen < generation && !atomic_compare_exchange_strong(at, &seen, generation)) {}
}

static int64_t touch(Vmid *block, uint32_t vmid) {
  Thread *thread = &threads[THREAD_ID - 1];
  if (thread->run_vmid == vmid + 1) return thread->run_gen;
  int64_t generation = atomic_fetch_add(&block->any_gen, 1) + 1;
  thread->run_gen = generation;
  thread->run_vmid = vmid + 1;
  return generation;
}

static uint32_t hash_of(uint32_t vmid, uint64_t page, uint32_t size) {
  uint32_t hash = (uint32_t)page ^ (uint32_t)(page >> 32) ^ (vmid * 0x9e3779b1u) ^ (size * 0x85ebca6bu);
  return (hash ^ (hash >> 16)) | TAG_USED;
}

static void mark_killed(_Atomic uint32_t *sequence) {
  uint32_t seen = atomic_load(sequence);
  while ((seen & (BUSY | KILLED)) == BUSY && !atomic_compare_exchange_strong(sequence, &seen, seen | KILLED)) {}
}

// Compares all tags with one vector instruction, as the drain does.
static bool tagged(Set *set, uint32_t hash) {
  typedef uint32_t Tags __attribute__((vector_size(16), may_alias));
  typedef uint64_t Halves __attribute__((vector_size(16)));
  Halves equal = (Halves)(*(const volatile Tags *)set->tags == hash);
  return (equal[0] | equal[1]) != 0;
}

static void kill_matching(uint32_t index, uint32_t vmid, uint32_t asid, bool s2, uint64_t first, uint64_t last) {
  uint32_t tag = vmid | (s2 ? META_S2 : 0) | META_VALID;
  for (uint32_t way = 0; way < WAYS; way++) {
    Entry *entry = &entries[index * WAYS + way];
    uint32_t meta = atomic_load(&entry->meta);
    if ((meta & (0xffff | META_S2 | META_VALID)) != tag) continue;
    uint64_t size = (meta >> 16) & 63, page = atomic_load_explicit(&entry->page, memory_order_relaxed);
    if (page < first >> size || page > last >> size) continue;
    if (asid != ANY_ASID && !(meta & META_GLOBAL) && (atomic_load_explicit(&entry->asid_perm, memory_order_relaxed) & 0xffff) != asid) continue;
    atomic_store(&entry->meta, 0);
  }
}

static void sweep_block(uint64_t page, uint32_t size, uint32_t vmid, uint32_t asid, bool s2, uint64_t first, uint64_t last) {
  uint32_t hash = hash_of(vmid, page, size), set = (hash ^ (hash >> 10)) & (SETS - 1);
  mark_killed(&sets[set].seq);
  if (tagged(&sets[set], hash)) kill_matching(set, vmid, asid, s2, first, last);
}

static void sweep_address(uint64_t sizes, uint32_t vmid, uint32_t asid, uint64_t address) {
  for (; sizes != 0; sizes &= sizes - 1) {
    uint32_t size = __builtin_ctzll(sizes);
    sweep_block(address >> size, size, vmid, asid, false, address, address);
  }
}

static void sweep_range(uint64_t sizes, uint32_t vmid, uint32_t asid, bool s2, uint64_t first, uint64_t last) {
  for (; sizes != 0; sizes &= sizes - 1) {
    uint32_t size = __builtin_ctzll(sizes);
    uint64_t page = first >> size, to = last >> size;
    if (to - page < SETS) {
      for (; page <= to; page++) sweep_block(page, size, vmid, asid, s2, first, last);
      continue;
    }
    for (uint32_t set = 0; set < SETS; set++) {
      mark_killed(&sets[set].seq);
      kill_matching(set, vmid, asid, s2, first, last);
    }
    return;
  }
}

static uint64_t canonical(uint64_t va) { return (uint64_t)((int64_t)(va << 8) >> 8); }

static uint32_t granule_of(uint64_t d1) {
  uint32_t tg = (d1 >> 10) & 3;
  return tg == 0 || !(idr3 & RIL) ? 0 : tg;
}

static bool reserved_range(uint64_t d0, uint64_t d1) {
  if ((d0 & ((31 << 12) | (31 << 20))) != 0) return false;
  uint32_t ttl = (d1 >> 8) & 3, tg = granule_of(d1);
  return tg != 0 && (ttl == 0 || (ttl == 1 && tg == 2));
}

static uint64_t span_of(uint64_t d0, uint64_t d1) {
  uint32_t tg = granule_of(d1);
  return tg == 0 ? 1 : (uint64_t)(((d0 >> 12) & 31) + 1) << (((d0 >> 20) & 31) + 2 * tg + 10);
}

static void invalidate_va(uint32_t vmid, uint32_t asid, uint64_t d0, uint64_t d1) {
  Vmid *block = &vmids[vmid & (VMIDS - 1)];
  int64_t generation = touch(block, vmid);
  if (atomic_load(&block->fractured)) {
    raise_to(&block->all_gen, generation);
    return;
  }
  uint64_t first = canonical(d1 & ~0xfffull), more = span_of(d0, d1) - 1, sizes = atomic_load(&block->sizes);
  if (((sizes | first | (more + 1)) & more) == 0) {
    sweep_address(sizes, vmid, asid, first);
    return;
  }
  sweep_range(sizes, vmid, asid, false, first, first + more < first ? ~0ull : first + more);
}

static uint32_t vmid_of(uint64_t d0) {
  uint32_t written = (uint32_t)(d0 >> 32) & 0xffff;
  if (context.hyp_own) return written;
  uint32_t vmid = atomic_load(&context.vmid);
  if (vmid != written) rewrites++;
  return vmid;
}

static uint32_t atc_inv(uint64_t d0) {
  uint32_t sid = d0 >> 32;
  if (!context.hyp_own) {
    int i = 0;
    uint32_t match = 0;
    for (; i < SIDS; i++) if ((match = atomic_load(&context.match[i])) & 1 && match >> 1 == sid) break;
    if (i == SIDS) return ILLEGAL;
    sid = atomic_load(&context.replace[i]);
    rewrites++;
  }
  atc_invs++;
  uint32_t count = atomic_load(&atc_ports);
  for (uint32_t i = 0; i < count; i++) {
    if (atomic_load(&ports[i].sid) != sid + 1) continue;
    atomic_fetch_add(&ports[i].requests, 1);
    atomic_fetch_add(&ports[i].completions, 1);
  }
  return DONE;
}

static uint32_t execute(uint32_t kind, uint64_t d0, uint32_t at) {
  if ((d0 >> 10) & 1) return ILLEGAL;
  switch (actions[kind][d0 & 0xff]) {
    case A_SYNC: {
      uint32_t cs = (d0 >> 12) & 3;
      bool vcmdq = kind == 1 || kind == 2;
      return (vcmdq && cs != 0) || cs == 3 ? ILLEGAL : SYNC;
    }
    case A_NH_ALL:
    case A_S12_VMALL: {
      uint32_t vmid = vmid_of(d0);
      Vmid *block = &vmids[vmid & (VMIDS - 1)];
      raise_to(&block->all_gen, touch(block, vmid));
      return DONE;
    }
    case A_NH_ASID: {
      uint32_t vmid = vmid_of(d0), asid = d0 >> 48;
      Vmid *block = &vmids[vmid & (VMIDS - 1)];
      raise_to(&block->asid_gen[(asid ^ (asid >> 4) ^ (asid >> 8)) & 15], touch(block, vmid));
      return DONE;
    }
    case A_NH_VA: {
      uint64_t d1 = load64(at + 8);
      if (reserved_range(d0, d1)) return ILLEGAL;
      invalidate_va(vmid_of(d0), d0 >> 48, d0, d1);
      return DONE;
    }
    case A_NH_VAA: invalidate_va(vmid_of(d0), ANY_ASID, d0, load64(at + 8)); return DONE;
    case A_ATC: return atc_inv(d0);
    case A_NONE: return DONE;
    case A_HOST: return HOST;
    default: return ILLEGAL;
  }
}

static bool none_in_flight(void) {
  int32_t count = atomic_load(&thread_count);
  for (int32_t i = 0; i < count; i++) if (atomic_load(&threads[i].in_flight) != 0) return false;
  return true;
}

static bool sync_complete(void) {
  if (none_in_flight()) return true;
  int64_t epoch = atomic_fetch_add(&sync_epoch, 1) + 1;
  int32_t count = atomic_load(&thread_count);
  for (int32_t i = 0; i < count; i++) {
    int64_t began = atomic_load(&threads[i].in_flight);
    if (began != 0 && began <= epoch) return false;
  }
  return true;
}

static uint32_t run(uint32_t written) {
  uint32_t size = 1u << queue.log2size, mask = (size << 1) - 1, prod = written & 0xfffff & mask, cons = queue.cons & mask;
  if (cons == prod) return 0;
  if (queue.ring == 0 || queue.ring_window != window) abort();
  threads[THREAD_ID - 1].run_vmid = 0;
  uint32_t done = 0, syncs = 0;
  while (cons != prod && done < BUDGET) {
    uint32_t at = queue.ring + ((cons & (size - 1)) << 4);
    uint32_t result = execute(queue.kind, load64(at), at);
    if (result == SYNC && sync_complete()) syncs++;
    else if (result != DONE) abort();
    cons = (cons + 1) & mask;
    done++;
  }
  queue.cons = cons;
  queue.commands += done;
  queue.syncs += syncs;
  queue.rewrites += rewrites;
  if (atc_invs != 0) atomic_fetch_add(&stat_atc, atc_invs);
  rewrites = atc_invs = 0;
  return done;
}

static uint32_t round_of(void) {
  uint32_t page0 = atomic_load(&context.page0) + queue.lvcmdq * 0x80;
  uint64_t cons_prod = load64(page0 + CONS), config_status = load64(page0 + CONFIG), errors = load64(page0 + GERROR);
  uint32_t done = 0;
  bool may = atomic_load(&cmdqv_enabled) && atomic_load(&context.enabled) && atomic_load(&queue.allocated) && (config_status & 1);
  if (may && queue.enabled && queue.state == 0) done = run(cons_prod >> 32);
  if ((uint32_t)cons_prod != queue.cons) store32(page0 + CONS, queue.cons);
  if (config_status >> 32 != queue.enabled) store32(page0 + STATUS, queue.enabled);
  if ((uint32_t)errors != queue.gerror) store32(page0 + GERROR, queue.gerror);
  return done;
}

__attribute__((noinline)) void doorbell(uint32_t id, uint32_t offset) {
  if (id >> 8 != 0 || (id & 0xff) > 63 || context.window != window) return;
  atomic_fetch_add(&context.doorbells, 1);
  if (offset >> 7 >= context.lvcmdqs || atomic_load(&context.map[offset >> 7]) == 0) return;
  if (atomic_fetch_add(&queue.owners, 1) != 0 && queue.owner_thread != THREAD_ID) return;
  queue.owner_thread = THREAD_ID;
  for (int i = 0; i < ROUNDS; i++) {
    int32_t seen = atomic_load(&queue.owners);
    if (round_of() >= BUDGET) continue;
    queue.owner_thread = 0;
    if (atomic_compare_exchange_strong(&queue.owners, &seen, 0)) return;
    queue.owner_thread = THREAD_ID;
  }
  queue.owner_thread = 0;
  atomic_store(&queue.owners, 0);
  atomic_fetch_add(&attention, 1);
}

static void *pages(size_t size) {
  void *memory = aligned_alloc(4096, size);
  if (!memory) abort();
  return memset(memory, 0, size);
}

// Fills the IOTLB as a walk through twice as many 4 KiB pages as it has entries would; or
// resets it.
static void fill_tlb(bool full) {
  memset(sets, 0, SETS * sizeof(Set));
  memset(entries, 0, SETS * WAYS * sizeof(Entry));
  atomic_store(&vmids[VMID].sizes, full ? 1u << 12 : 0);
  for (uint64_t page = 0x403020000ull; full && page < 0x403020000ull + 2 * SETS * WAYS; page++) {
    uint32_t hash = hash_of(VMID, page, 12), set = (hash ^ (hash >> 10)) & (SETS - 1), way = sets[set].victim++ & (WAYS - 1);
    sets[set].tags[way] = hash;
    Entry *entry = &entries[set * WAYS + way];
    entry->asid_perm = 1;
    entry->page = page;
    entry->meta = VMID | (12 << 16) | META_VALID;
  }
}

static uint32_t ring_batches(unsigned batches, unsigned batch, uint32_t prod) {
  for (unsigned i = 0; i < batches; i++) {
    prod = (prod + batch) & ((2u << LOG2SIZE) - 1);
    atomic_store((_Atomic uint32_t *)(guest + PAGE0 + PROD), prod);
    doorbell(1, PROD);
  }
  return prod;
}

int main(void) {
  sets = pages(SETS * sizeof(Set));
  entries = pages(SETS * WAYS * sizeof(Entry));
  vmids = pages(VMIDS * sizeof(Vmid));
  guest = pages(GUEST_SIZE);
  thread_count = 2;
  context.window = window;
  context.enabled = 1;
  context.vmid = VMID;
  context.page0 = PAGE0;
  context.lvcmdqs = 2;
  context.map[0] = 1;
  context.match[0] = (8 << 1) | 1;
  context.replace[0] = 5;
  queue = (Queue){ .kind = 1, .allocated = 1, .enabled = 1, .log2size = LOG2SIZE, .ring_window = window, .ring = RING };
  actions[1][SYNC_OP] = A_SYNC;
  actions[1][NH_ASID] = A_NH_ASID;
  actions[1][NH_VA] = A_NH_VA;
  actions[1][S12_VMALL] = A_S12_VMALL;
  actions[1][ATC_INV] = A_ATC;
  ((uint32_t *)(guest + PAGE0))[CONFIG >> 2] = 1;
  ((uint32_t *)(guest + PAGE0))[STATUS >> 2] = 1;
  setvbuf(stdout, NULL, _IOLBF, 0);

  char name[16];
  unsigned batch, batches, full;
  uint32_t prod = 0;
  while (scanf("%15s %u %u %u", name, &batch, &batches, &full) == 4) {
    for (uint32_t slot = 0; slot < 1u << LOG2SIZE; slot++) {
      uint64_t d0 = SYNC_OP, d1 = 0;
      if (!strcmp(name, "NH_ASID")) d0 = 0x0001000000000011ull;
      if (!strcmp(name, "NH_VA")) d0 = 0x0001000000000012ull, d1 = 0x100000000000ull + ((uint64_t)slot << 12);
      if (!strcmp(name, "NH_VA_PAGE")) d0 = 0x0001000000000012ull, d1 = (0x100000000000ull + ((uint64_t)slot << 12)) | 0x700;
      if (!strcmp(name, "NH_VA_RANGE")) d0 = 0x000100000000f012ull, d1 = (0x100000000000ull + ((uint64_t)slot << 16)) | 0x400;
      if (!strcmp(name, "S12_VMALL")) d0 = S12_VMALL;
      if (!strcmp(name, "ATC_INV")) d0 = 0x800000040ull, d1 = 52;
      memcpy(guest + RING + slot * 16, &d0, 8);
      memcpy(guest + RING + slot * 16 + 8, &d1, 8);
    }
    fill_tlb(full != 0);
    // An untimed lap: filling the IOTLB has evicted the processor's caches.
    prod = ring_batches((1u << LOG2SIZE) / batch, batch, prod);
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    prod = ring_batches(batches, batch, prod);
    clock_gettime(CLOCK_MONOTONIC, &to);
    if (queue.cons != prod) abort();
    printf("%lld\n", (long long)(to.tv_sec - from.tv_sec) * 1000000000 + (to.tv_nsec - from.tv_nsec));
  }
  return 0;
}
