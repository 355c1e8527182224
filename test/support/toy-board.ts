// SPDX-License-Identifier: MIT
// A board for the toy guest with the scripted SMMU: DMA engine with a small TLB of its
// own, checkpoint device, console. It shows whether the toy notices errors of a device;
// the real devices have tests of their own.

import { readFile } from 'node:fs/promises';
import {
  ABI_AT_EXITS,
  ABI_AT_VCPUS,
  ABI_KIND_CHECKPOINT,
  ABI_KIND_DMA,
  ABI_NO_IRQ,
  ABI_NO_STREAM,
  RUN_YIELD,
} from '../../assembly/layout/guest-abi.ts';
import { EVENT_IRQ, FakeSmmu, RAM_GPA_BASE, SMMU_GPA, type Taken } from './fake-smmu.ts';

const DMA_GPA = 0x14000000;
const CHECKPOINT_GPA = 0x15000000;
const SID = 0x2c;
const PAGE = 0x1000;
const VCMDQ_OPCODES = [0x11, 0x12, 0x28, 0x2a, 0x40, 0x46];

export interface ToyOptions {
  readonly args?: readonly string[];
  /** Console input. */
  readonly input?: string;
  /** HYP_OWN can be set by a guest. */
  readonly hypervisor?: boolean;
  /** Page 0 stays trapped. */
  readonly trapped?: boolean;
  /** The TLB is always empty: an unmap takes effect at once. */
  readonly noTlb?: boolean;
  /** Invalidations by address have no effect. */
  readonly ignoreVa?: boolean;
  /** An ATC_INV of any StreamID is accepted. */
  readonly anySid?: boolean;
  /** A VCMDQ accepts a CMD_SYNC with any CS. */
  readonly anySignal?: boolean;
  /** The SMMU has no SubstreamIDs. */
  readonly noSubstreams?: boolean;
  /** PASIDs are ignored. */
  readonly ignorePasid?: boolean;
  /**
   * The SMMU participates in broadcast TLB maintenance: according to CD.ASET, for every
   * CD, not at all, or by an exit.
   */
  readonly btm?: 'shared' | 'every' | 'none' | 'exit';
  /** The status of the DMA engine, whatever has become of an operation. */
  readonly dmaStatus?: number;
  /** From this step of the toy on, the queues accept no command. */
  readonly stopsAt?: number;
  /**
   * Number of vCPUs, of which all but the first report at once that their work is done.
   * Default 1.
   */
  readonly vcpus?: number;
  /** A bit of doubleword 1 that is flipped in event records. */
  readonly eventFlip?: bigint;
}

export interface ToyRun {
  readonly console: string[];
  /** Checks by name: whether each passed. */
  readonly checks: ReadonlyMap<string, boolean>;
  /** Phases in order, ended ones negative, with their data. */
  readonly phases: { readonly phase: number; readonly ended: boolean; readonly data: number[] }[];
  readonly steps: number;
}

class ToyBoard extends FakeSmmu {
  readonly console: string[] = [];
  readonly checks = new Map<string, boolean>();
  readonly phases: { phase: number; ended: boolean; data: number[] }[] = [];
  readonly #toy: ToyOptions;
  /** By PASID and page. */
  readonly #tlb = new Map<string, number>();
  #events = 0;

  constructor(options: ToyOptions) {
    super({
      direct: options.trapped !== true,
      hypervisor: options.hypervisor === true,
      // Those of the fake, without ATS: the engine has no ATC.
      idr0: options.btm ? 0x0540101a | (1 << 5) : 0x0540101a,
      idr1: options.noSubstreams ? 0x01080010 : 0x01080510,
    });
    this.#toy = options;
    this.logging = false;
    this.view.setUint32(ABI_AT_VCPUS, options.vcpus ?? 1, true);
    this.addDevice(ABI_KIND_DMA, DMA_GPA, PAGE, ABI_NO_IRQ, SID);
    this.addDevice(ABI_KIND_CHECKPOINT, CHECKPOINT_GPA, PAGE, ABI_NO_IRQ, ABI_NO_STREAM);
    this.errorOf = (command) => this.#carryOut(command);
    this.onTlbi = (operation, asid, va) => this.#broadcast(operation, asid, va);
    this.onStore = (gpa, value) => {
      if (gpa === DMA_GPA + 0x04) this.#transfer(value);
      if (gpa === CHECKPOINT_GPA + 0x04)
        this.phases.push({
          phase: value & 0x7fffffff,
          ended: value >= 2 ** 31,
          data: this.#data(),
        });
      if (gpa === CHECKPOINT_GPA + 0x08) this.#result(value);
    };
  }

  #data(): number[] {
    return Array.from({ length: 8 }, (_, i) => this.get(CHECKPOINT_GPA + 0x10 + 4 * i));
  }

  #result(value: number): void {
    const [gpa = 0, length = 0] = this.#data();
    const bytes = new Uint8Array(this.memory.buffer).slice(
      gpa - RAM_GPA_BASE,
      gpa - RAM_GPA_BASE + length,
    );
    this.checks.set(new TextDecoder().decode(bytes), value === 1);
  }

  #carryOut({ queue, op, dw0, dw1 }: Taken): number {
    if (queue > 0 && !VCMDQ_OPCODES.includes(op)) return 1;
    if (op === 0x40 && Number(dw0 >> 32n) !== SID && !this.#toy.anySid) return 1;
    if (queue > 0 && op === 0x46 && (dw0 & 0x3000n) !== 0n && !this.#toy.anySignal) return 1;
    const page = Number(dw1 >> 12n);
    // The toy's two ASIDs have PASIDs: none and 1.
    if (op === 0x12 && !this.#toy.ignoreVa)
      for (const ssid of ['none', '1']) this.#tlb.delete(`${ssid} ${page}`);
    if ([0x10, 0x11, 0x28, 0x30].includes(op)) this.#tlb.clear();
    return 0;
  }

  #broadcast(operation: number, asid: number, va: bigint): void {
    const ste = this.get(SMMU_GPA + 0x80) + 64 * SID - RAM_GPA_BASE;
    const cd =
      this.view.getUint32(ste, true) - (this.view.getUint32(ste, true) % 64) - RAM_GPA_BASE;
    const word = this.view.getUint32(cd + 4, true);
    const shared = (word & 0x8000) === 0 || this.#toy.btm === 'every';
    if (this.#toy.btm === 'none' || !shared || (operation === 2 && word >>> 16 !== asid)) return;
    if (operation === 2) this.#tlb.delete(`none ${va >> 12n}`);
    else this.#tlb.clear();
  }

  /** PASID of the engine's accesses. */
  #pasid(): number | undefined {
    const register = this.get(DMA_GPA + 0x3c);
    return register >= 2 ** 31 && !this.#toy.ignorePasid ? register & 0xfffff : undefined;
  }

  /** Memory offset of an iova, undefined for a fault. */
  #translate(iova: number): number | undefined {
    const pasid = this.#pasid();
    const key = `${pasid ?? 'none'} ${Math.floor(iova / PAGE)}`;
    const cached = this.#toy.noTlb ? undefined : this.#tlb.get(key);
    if (cached !== undefined) return cached + (iova % PAGE);
    const load = (gpa: bigint) =>
      this.view.getBigUint64(
        Number(gpa & 0xffff_ffff_f000n) + Number(gpa & 0xfffn) - RAM_GPA_BASE,
        true,
      );
    const ste = load(BigInt(this.get(SMMU_GPA + 0x80) + 64 * SID));
    let descriptor = load((ste & 0xfffffffffc0n) + 64n * BigInt(pasid ?? 0) + 8n);
    for (const shift of [39n, 30n, 21n, 12n]) {
      descriptor = load((descriptor & 0xffff_ffff_f000n) + 8n * ((BigInt(iova) >> shift) & 0x1ffn));
      if ((descriptor & 1n) === 0n) return undefined;
    }
    const offset = Number(descriptor & 0xffff_ffff_f000n) - RAM_GPA_BASE;
    this.#tlb.set(key, offset);
    return offset + (iova % PAGE);
  }

  #fault(iova: number, read: boolean): void {
    const base = this.get(SMMU_GPA + 0xa0);
    const at = (base & ~31) - (RAM_GPA_BASE | 0) + 32 * (this.#events % 2 ** (base & 31));
    const dw1 = (2n << 40n) | (read ? 1n << 35n : 0n);
    const pasid = this.#pasid();
    const substream = pasid === undefined ? 0n : 0x800n | (BigInt(pasid) << 12n);
    [
      0x10n | substream | (BigInt(SID) << 32n),
      dw1 ^ (this.#toy.eventFlip ?? 0n),
      BigInt(iova),
      0n,
    ].forEach((dword, i) => {
      this.view.setBigUint64(at + 8 * i, dword, true);
    });
    this.set(SMMU_GPA + 0x100a8, ++this.#events);
    this.raise(EVENT_IRQ);
  }

  #transfer(operation: number): void {
    const register = (offset: number) => this.get(DMA_GPA + offset);
    const [source, target] = [0x10, 0x18].map(
      (offset) => register(offset + 4) * 2 ** 32 + register(offset),
    ) as [number, number];
    let status = 1;
    for (let done = 0; done < register(0x0c) && status === 1; done += 4) {
      const from = this.#translate(source + done);
      const to = operation === 1 ? this.#translate(target + done) : from;
      if (from === undefined || to === undefined) {
        status = from === undefined ? 2 : 3;
        const iova = from === undefined ? source + done : target + done;
        this.set(DMA_GPA + 0x28, iova);
        this.set(DMA_GPA + 0x2c, Math.floor(iova / 2 ** 32));
        this.#fault(iova, from === undefined);
      } else if (operation === 1) {
        this.view.setUint32(to, this.view.getUint32(from, true), true);
      } else if (this.view.getUint32(from, true) !== register(0x20)) {
        status = 4;
      }
    }
    this.set(DMA_GPA + 0x08, this.#toy.dmaStatus ?? status);
  }

  /** Starts a vCPU, whose work block is guest-driver/secondary/work-block.ts. */
  vcpuStart(vcpu: number, block: number): number {
    if (vcpu >= (this.#toy.vcpus ?? 1)) return -1;
    const share = this.view.getUint32(block + 8, true);
    this.view.setUint32(share, this.view.getUint32(share, true) + 1, true);
    this.view.setUint32(block + 4 * 17, 1, true);
    return 0;
  }

  /** Imports that count as exits, like those of a host. */
  counted(imports: WebAssembly.ModuleImports): WebAssembly.ModuleImports {
    const wrap =
      (call: CallableFunction) =>
      (...args: unknown[]) => {
        this.view.setUint32(ABI_AT_EXITS, this.view.getUint32(ABI_AT_EXITS, true) + 1, true);
        return call(...args);
      };
    return Object.fromEntries(
      Object.entries(imports).map(([name, call]) => [
        name,
        name === 'doorbell' || name === 'dsb' || (name === 'tlbi' && this.#toy.btm !== 'exit')
          ? call
          : wrap(call as CallableFunction),
      ]),
    ) as WebAssembly.ModuleImports;
  }

  #print(line: string): void {
    this.console.push(line);
    const [, step] = /^\[ ?(\d+)\] /.exec(line) ?? [];
    if (Number(step) === this.#toy.stopsAt) for (const queue of [0, 1, 2]) this.held.add(queue);
  }

  wasi(args: readonly string[], input: string): WebAssembly.ModuleImports {
    const typed = [...new TextEncoder().encode(input)];
    const text = args.map((arg) => `${arg}\0`);
    const word = (at: number, value: number) => this.view.setUint32(at, value, true);
    return {
      fd_write: (_fd: number, iovs: number) => {
        const start = this.view.getUint32(iovs, true);
        const bytes = new Uint8Array(this.memory.buffer).slice(
          start,
          start + this.view.getUint32(iovs + 4, true),
        );
        this.#print(new TextDecoder().decode(bytes));
        return 0;
      },
      fd_read: (_fd: number, iovs: number, _count: number, read: number) => {
        const bytes = typed.splice(0, this.view.getUint32(iovs + 4, true));
        new Uint8Array(this.memory.buffer).set(bytes, this.view.getUint32(iovs, true));
        word(read, bytes.length);
        return 0;
      },
      args_sizes_get: (count: number, size: number) => {
        word(count, text.length);
        word(size, text.join('').length);
        return 0;
      },
      args_get: (pointers: number, buffer: number) => {
        let at = buffer;
        for (const [i, arg] of text.entries()) {
          word(pointers + 4 * i, at);
          new Uint8Array(this.memory.buffer).set(new TextEncoder().encode(arg), at);
          at += arg.length;
        }
        return 0;
      },
    };
  }
}

const module = WebAssembly.compile(
  await readFile(new URL('../../guest-driver/toy.wasm', import.meta.url)),
);

/** Runs the toy to its end, without warm-up rounds unless `args` request them. */
export async function runToy(options: ToyOptions = {}): Promise<ToyRun> {
  const board = new ToyBoard(options);
  const instance = await WebAssembly.instantiate(await module, {
    env: { memory: board.memory },
    vsmmu: board.counted({
      ...board.imports,
      clock_ns: () => performance.now() * 1e6,
      vcpu_start: (vcpu: number, block: number) => board.vcpuStart(vcpu, block),
    }),
    wasi_snapshot_preview1: board.counted(
      board.wasi(['toy', ...(options.args ?? []), 'warmup=0'], options.input ?? ''),
    ),
  });
  const { _initialize, vsmmu_run } = instance.exports as unknown as {
    _initialize(): void;
    vsmmu_run(budget: number): number;
  };
  _initialize();
  let steps = 1;
  while (vsmmu_run(1) === RUN_YIELD) steps++;
  return { console: board.console, checks: board.checks, phases: board.phases, steps };
}
