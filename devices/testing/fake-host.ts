// SPDX-License-Identifier: MIT
// A host for tests: memory, interrupt lines, DMA and direct maps that record how the
// device used them.

import type { WasmMemory } from '../../assembly/load.ts';
import { TimerQueue } from '../bus/timer-queue.ts';
import type {
  BackgroundLoop,
  Device,
  DeviceHost,
  DirectMap,
  DirectMapRequest,
  DmaAttributes,
  DmaPort,
  DmaResult,
  GuestMemory,
  InterruptLine,
  Timer,
  TraceEvent,
} from '../plugin/index.ts';
import { isPasid } from '../plugin/index.ts';
import { checkMethods } from '../plugin/known-values.ts';
import { checkWord } from '../plugin/known-words.ts';
import {
  checkOptions,
  flag,
  multipleOf,
  nonEmpty,
  type OptionKinds,
  uint,
  uint32,
} from '../plugin/option-kinds.ts';

/** Configuration of a `FakeHost`. */
export interface FakeHostOptions {
  /** gpa of the RAM, a multiple of 8. Default 0x80000000. */
  readonly ramGpa?: number;
  /** Bytes of RAM, a multiple of 64 KiB. Default 1 MiB. */
  readonly ramSize?: number;
  /** StreamID of the DMA port. Default 8. */
  readonly streamId?: number;
  /** False makes `mapDirect` refuse, as in a host without direct maps. Default true. */
  readonly directMaps?: boolean;
}

const OPTIONS: OptionKinds<FakeHostOptions> = {
  ramGpa: multipleOf(8, 0, 2 ** 48),
  ramSize: multipleOf(0x10000, 0x10000, 2 ** 31),
  streamId: uint32,
  directMaps: flag,
};

const REQUEST: OptionKinds<DirectMapRequest> = {
  region: uint32,
  offset: uint32,
  length: uint32,
  doorbell: uint32,
};

/** A direct map that the fake host has granted. */
export interface GrantedMap extends DirectMapRequest {
  readonly memoryOffset: number;
  mapped: boolean;
}

const PAGE = 0x10000;
/** Pages of guest memory below RAM that back directly mapped registers. */
const DIRECT_PAGES = 15;
const RAM_OFFSET = (1 + DIRECT_PAGES) * PAGE;

function attributesText({ pasid, privileged, instruction, atomic }: DmaAttributes = {}): string {
  const flags = [
    privileged && ' privileged',
    instruction && ' instruction',
    atomic && ' atomic',
  ].filter(Boolean);
  return `${pasid === undefined ? '' : ` pasid ${pasid}`}${flags.join('')}`;
}

/** A host of one device, for tests: it records the device's requests in `log`. */
export class FakeHost implements DeviceHost {
  /** Guest memory: an unused page, the pages of direct maps, then RAM. */
  readonly guestMemory: WasmMemory;
  readonly ramGpa: number;
  readonly ramSize: number;
  /** The RAM, byte by byte. */
  readonly ram: Uint8Array<ArrayBufferLike>;
  readonly memory: GuestMemory;
  /**
   * Every call of the device, in order: "pulse 0", "level 1 true", "map 0 0x30000", "msi
   * 0x8020040 0x5 taken", "dma write 0x1000 4 ok", "dma read 0x1000 4 ok pasid 5
   * privileged instruction".
   */
  readonly log: string[] = [];
  /** Level of each interrupt line that was ever set. */
  readonly levels = new Map<number, boolean>();
  readonly maps: GrantedMap[] = [];
  readonly loops: BackgroundLoop[] = [];
  /** The device's timers; `poll` calls those that are due. */
  readonly timers = new TimerQueue({ nowNs: () => this.timeNs });
  /** The last result of `nowNs`. A test sets it to let time pass. */
  timeNs = 0;
  /**
   * True when something other than RAM accepts an MSI: the doorbell of an interrupt
   * controller. By default nothing does.
   */
  takesMsi: (address: number) => boolean = () => false;
  /** True when the IOMMU stalls an access of the DMA port. By default it never does. */
  stalls: (iova: number) => boolean = () => false;
  readonly #options: FakeHostOptions;

  /**
   * @throws {TypeError} when an option is unknown, or its value has the wrong type.
   * @throws {RangeError} when a number is out of range.
   */
  constructor(options: FakeHostOptions = {}) {
    checkOptions(options, OPTIONS, 'FakeHost');
    this.#options = options;
    this.ramGpa = options.ramGpa ?? 0x80000000;
    this.ramSize = options.ramSize ?? 0x100000;
    const pages = (RAM_OFFSET + this.ramSize) / PAGE;
    this.guestMemory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.ram = new Uint8Array(this.guestMemory.buffer, RAM_OFFSET, this.ramSize);
    const words = new BigUint64Array(this.guestMemory.buffer, RAM_OFFSET, this.ramSize / 8);
    const halves = new Uint32Array(this.guestMemory.buffer, RAM_OFFSET, this.ramSize / 4);
    const indexOf = (gpa: number, size = 8) =>
      gpa % size === 0 && this.#inRam(gpa, size) ? (gpa - this.ramGpa) / size : -1;
    this.memory = {
      load64: (gpa) => {
        const index = indexOf(gpa);
        return index < 0 ? undefined : Atomics.load(words, index);
      },
      store64: (gpa, value) => {
        const index = indexOf(gpa);
        if (index >= 0) Atomics.store(words, index, value);
        return index >= 0;
      },
      store32: (gpa, value) => {
        const index = indexOf(gpa, 4);
        if (index >= 0) Atomics.store(halves, index, value);
        return index >= 0;
      },
    };
  }

  #inRam(gpa: number, length: number): boolean {
    return gpa >= this.ramGpa && gpa + length <= this.ramGpa + this.ramSize;
  }

  /** Offset of the RAM in guest memory, as in a guest port's region. */
  get ramOffset(): number {
    return RAM_OFFSET;
  }

  /**
   * Number of pulses of a line.
   * @throws {TypeError|RangeError} unless the line is an integer of at least 0.
   */
  pulses(line: number): number {
    uint(line, 'FakeHost.pulses', 'line');
    return this.log.filter((entry) => entry === `pulse ${line}`).length;
  }

  /**
   * Level of a line.
   * @throws {TypeError|RangeError} unless the line is an integer of at least 0.
   */
  level(line: number): boolean {
    uint(line, 'FakeHost.level', 'line');
    return this.levels.get(line) ?? false;
  }

  /** A line whose pulses and levels are recorded in `log`. */
  interruptLine(index: number): InterruptLine {
    uint(index, 'interruptLine', 'index');
    return {
      pulse: () => {
        this.log.push(`pulse ${index}`);
      },
      setLevel: (asserted) => {
        if (asserted !== this.level(index)) this.log.push(`level ${index} ${asserted}`);
        this.levels.set(index, asserted);
      },
    };
  }

  /**
   * A port without an IOMMU: iova is gpa, addresses outside RAM fault, and an access that
   * leaves RAM is performed up to its end.
   */
  dmaPort(): DmaPort {
    const within = (iova: number, length: number) =>
      Math.max(0, Math.min(length, this.ramGpa + this.ramSize - iova));
    const access = (
      kind: string,
      iova: number,
      length: number,
      attributes: DmaAttributes | undefined,
      copy: (at: number, length: number) => void,
    ): DmaResult => {
      if (attributes?.pasid !== undefined && !isPasid(attributes.pasid))
        return { ok: false, done: 0 };
      const carried = attributesText(attributes);
      if (this.stalls(iova)) {
        this.log.push(`dma ${kind} 0x${iova.toString(16)} stalled${carried}`);
        return { ok: false, done: 0, stalled: true };
      }
      const carries = kind === 'read' || !attributes?.atomic;
      const done = carries && iova >= this.ramGpa ? within(iova, length) : 0;
      if (done > 0) copy(iova - this.ramGpa, done);
      this.log.push(
        `dma ${kind} 0x${iova.toString(16)} ${done} ${done === length ? 'ok' : 'fault'}${carried}`,
      );
      return { ok: done === length, done };
    };
    return {
      streamId: this.#options.streamId ?? 8,
      read: (iova, target, attributes) =>
        access('read', iova, target.length, attributes, (at, length) =>
          target.set(this.ram.subarray(at, at + length)),
        ),
      write: (iova, source, attributes) =>
        access('write', iova, source.length, attributes, (at, length) =>
          this.ram.set(source.subarray(0, length), at),
        ),
      hint: (iova, length, write, attributes) => {
        this.log.push(
          `dma hint ${write ? 'write' : 'read'} 0x${iova.toString(16)} ${length}${attributesText(attributes)}`,
        );
      },
      abandon: () => {
        this.log.push('dma abandon');
      },
    };
  }

  /** Grants the request while there are pages left, unless the options refuse all. */
  mapDirect(request: DirectMapRequest): DirectMap | undefined {
    checkOptions(request, REQUEST, 'mapDirect: request', ['region', 'offset', 'length']);
    const page = Array.from({ length: DIRECT_PAGES }, (_, i) => (1 + i) * PAGE).find(
      (offset) =>
        !this.maps.some((map) => map.mapped && map.memoryOffset - (map.offset % PAGE) === offset),
    );
    if (this.#options.directMaps === false || page === undefined) return undefined;
    const map: GrantedMap = {
      ...request,
      memoryOffset: page + (request.offset % PAGE),
      mapped: true,
    };
    this.maps.push(map);
    this.log.push(`map ${request.region} 0x${request.offset.toString(16)}`);
    return {
      memoryOffset: map.memoryOffset,
      unmap: () => {
        map.mapped = false;
        this.log.push(`unmap ${request.region} 0x${request.offset.toString(16)}`);
      },
    };
  }

  background(loop: BackgroundLoop): () => void {
    checkMethods(loop, ['poll'], 'background: loop');
    this.loops.push(loop);
    return () => {
      const index = this.loops.indexOf(loop);
      if (index >= 0) this.loops.splice(index, 1);
    };
  }

  /**
   * A safe point: timers that are due are called, and every background loop does its work
   * once.
   */
  poll(): void {
    this.timers.poll();
    for (const loop of [...this.loops]) loop.poll();
  }

  /** Advances by a microsecond with every call, so that runs are reproducible. */
  nowNs(): number {
    this.timeNs += 1000;
    return this.timeNs;
  }

  timer(name: string, callback: () => void): Timer {
    return this.timers.add('device', name, callback);
  }

  /**
   * Resets a device as a machine does, with its timers cancelled.
   * @throws {TypeError} when it is not a device.
   */
  reset(device: Device): void {
    checkMethods(device, ['reset'], 'FakeHost.reset: device');
    this.timers.cancelAll();
    device.reset();
  }

  /** Delivers an MSI to RAM, or where `takesMsi` accepts it. */
  msi(address: number, data: number): boolean {
    uint(address, 'msi', 'address');
    checkWord(data, 'msi: data');
    const taken = this.takesMsi(address) || this.memory.store32(address, data);
    const outcome = taken ? 'taken' : 'refused';
    this.log.push(`msi 0x${address.toString(16)} 0x${(data >>> 0).toString(16)} ${outcome}`);
    return taken;
  }

  trace(event: TraceEvent): void {
    nonEmpty(event?.name, 'trace', 'event.name');
    this.log.push(`trace ${event.name}`);
  }
}
