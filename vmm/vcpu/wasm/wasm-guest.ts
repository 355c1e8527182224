// SPDX-License-Identifier: MIT
// A Wasm guest: its vCPUs, and the info page through which they see interrupts, time and
// devices.

import { ABI_AREA_SIZE, ABI_MAX_VCPUS } from '../../../assembly/layout/guest-abi.ts';
import type { Placement } from '../../../devices/bus/index.ts';
import { requestExit } from '../../../devices/unit/index.ts';
import type { Guest } from '../guest.ts';
import type { Vcpu, VcpuHost } from '../vcpu.ts';
import { AbiDirectMaps } from './abi-direct-maps.ts';
import { AbiInterrupts } from './abi-interrupts.ts';
import { ABI_DRAIN_SLEEP, ABI_EXIT_REQUEST, AbiExits } from './abi-words.ts';
import { clearMemory } from './clear-memory.ts';
import { checkAbiVersion, type GuestImage } from './guest-image.ts';
import { guestImports, type InsideCalls } from './guest-imports.ts';
import { ImportCounts } from './import-counts.ts';
import { TimeMirror, writeInfoPage } from './info-page.ts';
import type { WasiFactory, WasiHost } from './wasi/index.ts';
import {
  InlineWasmVcpu,
  type Instantiate,
  type VcpuTransport,
  type WasmVcpuOptions,
} from './wasm-vcpu.ts';

export interface WasmGuestOptions {
  readonly image: GuestImage;
  /** From `createGuestMemory` for this image. */
  readonly memory: WebAssembly.Memory;
  /** gpa of memory offset 0. */
  readonly ramGpaBase: number;
  /** Index of the machine among those of its host, from 0. Default 0. */
  readonly index?: number;
  /** Number of vCPUs, 1 to ABI_MAX_VCPUS. Default 1; more require `secondary`. */
  readonly vcpus?: number;
  /** Program of the secondary vCPUs (docs/guest-abi.md). */
  readonly secondary?: WebAssembly.Module | undefined;
  readonly wasi: WasiFactory;
  /** argv, the program's name first. Default: the machine's name. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Console output of the guest's program, as it is written. */
  onOutput?(stream: 'stdout' | 'stderr', bytes: Uint8Array<ArrayBuffer>): void;
  /** Returns available console input. */
  readInput?(most: number): Uint8Array;
  /** Fills `target` with random bytes for the guest's program. Default: the system's. */
  random?(target: Uint8Array<ArrayBuffer>): void;
  /**
   * The drain of the machine's unit: the guest's imports that stay inside WebAssembly.
   */
  readonly drain?: InsideCalls;
  /** How the guest is instantiated inline; a test can check the import object here. */
  readonly instantiate?: Instantiate;
  /** Runs each vCPU on its own thread. Default: inline, on the caller's thread. */
  readonly transport?: VcpuTransport | undefined;
}

export class WasmGuest implements Guest {
  readonly vcpus: number;
  readonly interrupts: AbiInterrupts;
  readonly exits: AbiExits;
  readonly directMaps: AbiDirectMaps;
  readonly exitRequest = ABI_EXIT_REQUEST;
  readonly drainSleep = ABI_DRAIN_SLEEP;
  readonly #options: WasmGuestOptions;
  readonly #imports: ImportCounts;
  readonly #time: TimeMirror;
  readonly #words: Int32Array;
  #started: readonly Vcpu[] = [];
  #wasi: WasiHost | undefined;

  /** @throws {RangeError} when it cannot have this number of vCPUs. */
  constructor(options: WasmGuestOptions) {
    const { memory, vcpus = 1, secondary } = options;
    if (!(Number.isInteger(vcpus) && vcpus >= 1 && vcpus <= ABI_MAX_VCPUS))
      throw new RangeError(`vcpus must be an integer from 1 to ${ABI_MAX_VCPUS}, not ${vcpus}`);
    if (vcpus > 1 && !secondary)
      throw new RangeError(`vcpus of ${vcpus} need secondary: it is missing`);
    this.#options = options;
    this.vcpus = vcpus;
    // A sleeping vCPU reads the words again, and finds out which one has changed.
    this.interrupts = new AbiInterrupts(memory, () => {
      for (const vcpu of this.#started) vcpu.setIrq(true);
    });
    this.#time = new TimeMirror(memory);
    this.#imports = new ImportCounts(memory);
    this.exits = new AbiExits(memory, this.#imports);
    this.directMaps = new AbiDirectMaps(memory);
    this.#words = new Int32Array(memory.buffer);
  }

  get inline(): boolean {
    return this.#options.transport === undefined;
  }

  get initialSlice(): boolean {
    return this.#options.image.shape === 'reactor';
  }

  describe(devices: readonly Placement[]): void {
    const { memory, ramGpaBase, index: machine = 0 } = this.#options;
    writeInfoPage(memory, { ramGpaBase, vcpus: this.vcpus, machine, devices });
  }

  async start(host: VcpuHost, signal: AbortSignal): Promise<readonly Vcpu[]> {
    const { image, memory, args = [host.name], env = {}, transport } = this.#options;
    const wasi = await this.#options.wasi(image.module, memory, {
      args,
      env,
      onOutput: (stream, bytes) => this.#options.onOutput?.(stream, bytes),
      readInput: (most) => this.#options.readInput?.(most) ?? new Uint8Array(),
      random: (target) => (this.#options.random ?? crypto.getRandomValues.bind(crypto))(target),
      nowNs: () => host.clock.nowNs(),
    });
    this.#wasi = wasi;
    const plans = Array.from({ length: this.vcpus }, (_, i) => this.#plan(host, i, wasi));
    this.#started = transport
      ? await startAll(transport, plans, signal)
      : await this.#inline(plans);
    try {
      await this.#started[0]?.reset({ argument: 0 });
    } catch (error) {
      await Promise.all(this.#started.map((vcpu) => vcpu.stop()));
      throw error;
    }
    return this.#started;
  }

  async #inline(plans: readonly WasmVcpuOptions[]): Promise<readonly Vcpu[]> {
    const {
      instantiate = (module, imports) =>
        WebAssembly.instantiate(module, imports as WebAssembly.Imports),
    } = this.#options;
    const vcpus = plans.map((plan) => new InlineWasmVcpu(plan, instantiate));
    // vCPU 0 gets its instance when it is reset. A secondary program that does not fit
    // must be detected before the guest starts it.
    for (const vcpu of vcpus.slice(1)) await vcpu.prepare();
    return vcpus;
  }

  #plan(host: VcpuHost, index: number, wasi: WasiHost): WasmVcpuOptions {
    const { image, memory, secondary, drain = {}, transport } = this.#options;
    const main = index === 0 || !secondary;
    const module = main ? image.module : secondary;
    // A vCPU with its own thread has its own unit.
    const inside = transport ? {} : drain;
    const imports = guestImports({
      module,
      memory,
      vcpu: index,
      host,
      wasi: main ? wasi.functions : {},
      inside,
    });
    return {
      index,
      name: `${host.name} vCPU ${index}`,
      module,
      shape: main ? image.shape : 'secondary',
      memory,
      imports: this.#imports.counted(imports, index, Object.values(inside)),
      host,
      checkAbi: (abi) => {
        if (main) checkAbiVersion(image, abi);
      },
    };
  }

  safePoint(nowNs: number): void {
    this.interrupts.rewriteLevels();
    this.#time.store(nowNs);
  }

  setExitRequest(wanted: boolean): void {
    if (wanted) requestExit(this.#words, ABI_EXIT_REQUEST);
    else Atomics.store(this.#words, ABI_EXIT_REQUEST.offset >> 2, 0);
  }

  reset(): void {
    this.#started = [];
    this.interrupts.reset();
    // A fresh instance gets its data from the binary; everything else must be as in a new
    // memory.
    clearMemory(this.#options.memory, ABI_AREA_SIZE);
    this.#wasi?.dispose();
    this.#wasi = undefined;
  }
}

/** Starts all of them, or none. */
async function startAll(
  transport: VcpuTransport,
  plans: readonly WasmVcpuOptions[],
  signal: AbortSignal,
): Promise<readonly Vcpu[]> {
  const results = await Promise.allSettled(plans.map((plan) => transport.start(plan, signal)));
  const started = results.flatMap((result) =>
    result.status === 'fulfilled' ? [result.value] : [],
  );
  const failed = results.find((result) => result.status === 'rejected');
  if (!failed) return started;
  await Promise.all(started.map((vcpu) => vcpu.stop()));
  throw failed.reason;
}
