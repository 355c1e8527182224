// SPDX-License-Identifier: MIT
// A kind of guest without an ABI area: RAM begins at offset 0 of its memory, followed by
// words for each vCPU, and direct maps are entries of a software TLB. Its program is a
// generator, and each `yield` ends an instruction.

import type { MemoryRegion } from '../../assembly/load.ts';
import type { ExitRequestWords } from '../../devices/unit/index.ts';
import {
  type DirectMapEntry,
  type DirectMapTable,
  EXIT_KINDS,
  type ExitView,
  type Guest,
  type Vcpu,
  type VcpuExit,
  type VcpuHost,
} from '../../vmm/vcpu/index.ts';

export const RAM_GPA = 0x40000000;
export const RAM_SIZE = 0x200000;
const PAGE = 0x10000;
/** Two pages that can back registers, then the blocks of the vCPUs. */
const BACKING = [RAM_SIZE, RAM_SIZE + PAGE];
const BLOCKS = RAM_SIZE + 2 * PAGE;
const BLOCK_SIZE = 0x100;
const AT_LIMIT = 0;
const AT_SEEN = 4;
const NO_LIMIT = 0x7fffffff;
const MMIO = EXIT_KINDS.indexOf('mmio');
const WAIT = EXIT_KINDS.indexOf('wait');
const STEPS_PER_BUDGET = 200;

/** Operations of this guest's programs. */
export interface Cpu {
  read32(gpa: number): number;
  write32(gpa: number, value: number): void;
  write64(gpa: number, value: bigint): void;
  /** Stores to RAM. */
  store(gpa: number, words: Uint32Array): void;
}

export type Program = (cpu: Cpu) => Generator<void, void>;

export function tlbGuestMemory(): WebAssembly.Memory {
  const pages = (BLOCKS + PAGE) / PAGE;
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
}

export const TLB_GUEST_REGIONS: readonly MemoryRegion[] = [
  { gpa: RAM_GPA, offset: 0, size: RAM_SIZE },
];

/** An exit is requested by lowering a vCPU's limit; two vCPUs, so two words. */
export const TLB_GUEST_EXIT_REQUEST: ExitRequestWords = {
  count: 2,
  offset: BLOCKS + AT_LIMIT,
  stride: BLOCK_SIZE,
  value: 0x80000000,
};

class TlbVcpu implements Vcpu, Cpu {
  readonly index: number;
  readonly #guest: TlbGuest;
  readonly #host: VcpuHost;
  #program: Generator<void, void> | undefined;
  #tlb: readonly (DirectMapEntry | undefined)[] = [];

  constructor(guest: TlbGuest, host: VcpuHost, index: number) {
    this.#guest = guest;
    this.#host = host;
    this.index = index;
  }

  get inGuest(): boolean {
    return this.#host.isInGuest(this.index);
  }

  readonly still = true;

  reset(): void {
    this.#program = this.#guest.program(this);
  }

  #word(at: number): number {
    return (BLOCKS + this.index * BLOCK_SIZE + at) >> 2;
  }

  #exit<T>(kind: number, call: () => T): T {
    const { gate } = this.#host;
    gate.enter(this.index, kind);
    const result = call();
    gate.leave(this.index, kind);
    return result;
  }

  // Between two instructions: checks the limit, and the TLB.
  #boundary(): void {
    const { words, maps } = this.#guest;
    if (Atomics.exchange(words, this.#word(AT_LIMIT), NO_LIMIT) !== NO_LIMIT) {
      this.#guest.kicks++;
      this.#exit(WAIT, () => this.#host.wait());
    }
    this.#tlb = [...maps.entries];
    Atomics.store(words, this.#word(AT_SEEN), maps.announcement);
  }

  run(budget: number): VcpuExit {
    this.#host.setInGuest(this.index, true);
    try {
      for (let step = 0; step < budget * STEPS_PER_BUDGET; step++) {
        this.#boundary();
        if (this.#program?.next().done) return { reason: 'off', code: 0 };
      }
      return { reason: 'yield' };
    } finally {
      this.#host.setInGuest(this.index, false);
    }
  }

  #hit(gpa: number): DirectMapEntry | undefined {
    return this.#tlb.find((entry) => entry && gpa >= entry.gpa && gpa < entry.gpa + entry.length);
  }

  read32(gpa: number): number {
    const hit = this.#hit(gpa);
    return hit
      ? Atomics.load(this.#guest.words, (hit.memoryOffset + gpa - hit.gpa) >> 2) >>> 0
      : this.#exit(MMIO, () => this.#host.bus.read(gpa, 4, this.index));
  }

  write32(gpa: number, value: number): void {
    const hit = this.#hit(gpa);
    if (!hit) {
      this.#exit(MMIO, () => this.#host.bus.write(gpa, 4, value, 0, this.index));
      return;
    }
    Atomics.store(this.#guest.words, (hit.memoryOffset + gpa - hit.gpa) >> 2, value);
    if (hit.rings) this.#guest.doorbell(hit.doorbell ?? 0, gpa - hit.gpa);
  }

  write64(gpa: number, value: bigint): void {
    const [lo = 0, hi = 0] = new Uint32Array(new BigUint64Array([value]).buffer);
    this.#exit(MMIO, () => this.#host.bus.write(gpa, 8, lo, hi, this.index));
  }

  store(gpa: number, words: Uint32Array): void {
    for (const memory of [this.#guest.words, this.#guest.stored])
      memory.set(words, (gpa - RAM_GPA) >> 2);
  }

  setIrq(): void {
    return;
  }

  setPaused(): void {
    return;
  }

  save() {
    return {};
  }

  restore(): Promise<void> {
    this.reset();
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}

class TlbMaps implements DirectMapTable {
  readonly pageSize = PAGE;
  readonly pages = BACKING;
  readonly size = 4;
  readonly entries: (DirectMapEntry | undefined)[] = [];
  announcement = 0;
  readonly #seen: (vcpu: number) => number;

  constructor(seen: (vcpu: number) => number) {
    this.#seen = seen;
  }

  set(index: number, entry: DirectMapEntry): void {
    this.entries[index] = entry;
  }

  setRinging(index: number, rings: boolean): void {
    const entry = this.entries[index];
    if (entry) this.entries[index] = { ...entry, rings };
  }

  clear(index: number): void {
    this.entries[index] = undefined;
  }

  announce(): number {
    return ++this.announcement;
  }

  hasSeen(vcpu: number, announcement: number): boolean {
    return this.#seen(vcpu) >= announcement;
  }

  reset(): void {
    this.entries.length = 0;
    this.announce();
  }
}

export class TlbGuest implements Guest {
  readonly vcpus = TLB_GUEST_EXIT_REQUEST.count;
  readonly inline = true;
  readonly initialSlice = false;
  readonly interrupts = { line: () => ({ pulse: () => undefined, setLevel: () => undefined }) };
  readonly exitRequest = TLB_GUEST_EXIT_REQUEST;
  /** It does not wake the drain. */
  readonly drainSleep = undefined;
  readonly maps = new TlbMaps((vcpu) =>
    Atomics.load(this.words, (BLOCKS + vcpu * BLOCK_SIZE + AT_SEEN) >> 2),
  );
  readonly words: Int32Array;
  /** The initial RAM, updated by the program's own stores. */
  readonly stored: Int32Array;
  readonly program: Program;
  readonly doorbell: (id: number, offset: number) => void;
  /** Set by the program. */
  batch = false;
  /** Exits by vCPU, as reported to it. */
  readonly counts = [0, 0];
  /** Exits that were requested. */
  kicks = 0;

  constructor(
    memory: WebAssembly.Memory,
    program: Program,
    doorbell: (id: number, offset: number) => void,
  ) {
    this.words = new Int32Array(memory.buffer);
    // Any store by somebody else becomes visible.
    for (let at = 0; at < RAM_SIZE >> 2; at++) this.words[at] = Math.imul(at, 0x9e3779b1);
    this.stored = this.words.slice(0, RAM_SIZE >> 2);
    this.program = program;
    this.doorbell = doorbell;
    this.setExitRequest(false);
  }

  get exits(): ExitView {
    return {
      counted: (vcpu) => {
        this.counts[vcpu] = (this.counts[vcpu] ?? 0) + 1;
      },
      isInvalidating: () => this.batch,
    };
  }

  get directMaps(): DirectMapTable {
    return this.maps;
  }

  /** gpas of RAM words that differ from what the program has stored. */
  get changedRam(): readonly number[] {
    return [...this.stored.keys()]
      .filter((at) => this.words[at] !== this.stored[at])
      .map((at) => RAM_GPA + 4 * at);
  }

  describe(): void {
    return;
  }

  start(host: VcpuHost): Promise<readonly Vcpu[]> {
    const vcpus = [0, 1].map((index) => new TlbVcpu(this, host, index));
    vcpus[0]?.reset();
    return Promise.resolve(vcpus);
  }

  safePoint(): void {
    return;
  }

  setExitRequest(wanted: boolean): void {
    const { offset, stride, value } = TLB_GUEST_EXIT_REQUEST;
    for (let vcpu = 0; vcpu < this.vcpus; vcpu++)
      Atomics.store(this.words, (offset + vcpu * stride) >> 2, wanted ? value : NO_LIMIT);
  }

  reset(): void {
    this.words.set(this.stored);
  }
}
