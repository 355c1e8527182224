// SPDX-License-Identifier: MIT
// A PCIe host bridge with ECAM (PCIe 5.0, section 7.2.2). It forwards accesses to its
// functions, by their IDs in configuration space and by their BARs in a memory window.

import { checkDeviceShape } from '../plugin/device-shape.ts';
import {
  type AccessSize,
  type Device,
  type DeviceHost,
  type DeviceState,
  type DmaPort,
  type InterruptLine,
  type MmioAccess,
  PLUGIN_INTERFACE_VERSION,
  plainStateLike,
  unnamedRegister,
} from '../plugin/index.ts';
import { checkRequiredFunction } from '../plugin/known-names.ts';
import {
  checkOptions,
  having,
  integerFrom,
  listOf,
  type OptionKinds,
  objectOf,
  uint,
} from '../plugin/option-kinds.ts';
import { CONFIGURATION_REGION, type MemoryWindow, type PcieFunction } from './pcie-function.ts';
import { PCIE_CONFIG_SIZE } from './pcie-registers.ts';
import { PcieRootPort } from './pcie-root-port.ts';
import { RequesterPort } from './requester-port.ts';

/** A function and its place on bus 0. */
export interface PluggedFunction {
  /** Device number, 0 to 31. */
  readonly device: number;
  /** Function number, 0 to 7. Default 0. */
  readonly function?: number;
  readonly plugged: PcieFunction;
}

/** What a `PcieHost` is built from. */
export interface PcieHostOptions {
  /** Number of buses that ECAM covers, 1 to 256. Default 16. */
  readonly buses?: number;
  /** The window for BARs: gpa, a multiple of 4 KiB, and size in bytes. */
  readonly window: { readonly gpa: number; readonly size: number };
  /**
   * The I/O space, from its address 0 on: gpa, a multiple of 4 KiB, and size in bytes, at
   * most 64 KiB. Default: there is none.
   */
  readonly io?: { readonly gpa: number; readonly size: number };
  /** The functions on bus 0 and their places. */
  readonly functions: readonly PluggedFunction[];
}

const OPTIONS: OptionKinds<PcieHostOptions> = {
  buses: integerFrom(1, 256),
  window: objectOf<PcieHostOptions['window']>({ gpa: uint, size: uint }, ['gpa', 'size']),
  io: objectOf<PcieHostOptions['window']>({ gpa: uint, size: uint }, ['gpa', 'size']),
  functions: listOf(
    objectOf<PluggedFunction>(
      { device: integerFrom(0, 31), function: integerFrom(0, 7), plugged: having('plug') },
      ['device', 'plugged'],
    ),
  ),
};

const KIND = 0x65696370; // "pcie"
const ECAM_REGION = 0;
const IO_REGION = 2;
/** An address of I/O space has 16 bits. */
const MOST_IO = 0x10000;
const BUS_SIZE = 0x100000;
/** INTA to INTD. */
const LINES = 4;
const ALL = 0xffffffff;

/**
 * Reads as all ones: no function completes the access (PCIe 5.0, section 2.3.2: an
 * Unsupported Request).
 */
function answerNothing(access: MmioAccess): void {
  access.lo = access.size >= 4 ? ALL : 2 ** (8 * access.size) - 1;
  access.hi = access.size === 8 ? ALL : 0;
}

/** A function and its place, on bus 0 or below a port. */
interface Place {
  readonly one: PcieFunction;
  /** Device in bits [7:3], function in bits [2:0]. */
  readonly devfn: number;
  readonly port: PcieRootPort | undefined;
  /** Device number on bus 0, of the function or of its port. */
  readonly device: number;
}

interface OpenWindow extends MemoryWindow {
  readonly one: PcieFunction;
}

function checkPlaces({ window, io, functions }: PcieHostOptions): void {
  for (const [name, { gpa, size }] of Object.entries({ window, ...(io ? { io } : {}) }))
    if (gpa % 0x1000 || size % 0x1000 || size === 0)
      throw new RangeError(
        `PcieHost: ${name} must be whole pages of 4 KiB, ` +
          `not 0x${size.toString(16)} bytes at 0x${gpa.toString(16)}`,
      );
  if (io && io.size > MOST_IO)
    throw new RangeError(
      `PcieHost: io must be at most 64 KiB, not 0x${io.size.toString(16)} bytes`,
    );
  const taken = new Set<number>();
  for (const { device, function: number = 0 } of functions) {
    if (taken.has(device * 8 + number))
      throw new RangeError(`two functions are plugged in at ${device}.${number}`);
    taken.add(device * 8 + number);
  }
}

function placesOf(functions: readonly PluggedFunction[]): readonly Place[] {
  return functions.flatMap(({ device, function: number = 0, plugged }): Place[] => [
    { one: plugged, devfn: device * 8 + number, port: undefined, device },
    ...(plugged instanceof PcieRootPort
      ? plugged.behind.map((one, devfn) => ({ one, devfn, port: plugged, device }))
      : []),
  ]);
}

/**
 * A PCIe host bridge: region 0 is ECAM, region 1 the memory window, region 2 the I/O
 * space if there is one; its lines are INTA to INTD.
 */
export class PcieHost implements Device {
  readonly name = 'pcie';
  readonly interfaceVersion = PLUGIN_INTERFACE_VERSION;
  readonly identity = { kind: KIND, interrupts: LINES, busMaster: false };
  readonly regions: Device['regions'];
  readonly #window: PcieHostOptions['window'];
  readonly #places: readonly Place[];
  #lines: readonly InterruptLine[] = [];
  /** Windows of all functions; undefined when they have to be collected again. */
  #open: readonly OpenWindow[] | undefined;
  /** The access that functions get: the bus's own is not modified. */
  readonly #inner: MmioAccess = { region: 0, offset: 0, size: 4, lo: 0, hi: 0, vcpu: 0 };
  /**
   * Bus number of each function, captured from configuration writes (section 2.2.6.2).
   */
  private state: { buses: number[] };

  /** @throws {RangeError} when a function's place does not exist, or is occupied. */
  constructor(options: PcieHostOptions) {
    checkOptions(options, OPTIONS, 'PcieHost', ['window', 'functions']);
    checkPlaces(options);
    const { buses = 16, window, io, functions } = options;
    this.#window = window;
    this.#places = placesOf(functions);
    this.state = { buses: this.#places.map(() => 0) };
    this.regions = [
      { name: 'ecam', size: buses * BUS_SIZE, accessSizes: [1, 2, 4] },
      { name: 'pcie-memory', size: window.size, accessSizes: [1, 2, 4, 8] },
      ...(io ? [{ name: 'pcie-io', size: io.size, accessSizes: [1, 2, 4] as const }] : []),
    ];
    for (const { one, devfn, port } of this.#places)
      one.plug({
        isIntegrated: port === undefined,
        isMultifunction: this.#places.some(
          (other) =>
            other.port === port && other.devfn !== devfn && other.devfn >> 3 === devfn >> 3,
        ),
        interruptChanged: () => this.#updateLines(),
        windowsChanged: () => {
          this.#open = undefined;
        },
      });
  }

  /** Every function, including those below ports. */
  get functions(): readonly PcieFunction[] {
    return this.#places.map(({ one }) => one);
  }

  /**
   * Requester IDs that a function can have: one on bus 0; below a port, one per bus
   * number.
   * @throws {RangeError} when it is not plugged in here.
   */
  requesterIdsOf(one: PcieFunction): readonly number[] {
    const { devfn, port } = this.#placeOf(one);
    if (!port) return [devfn];
    const buses = (this.regions[ECAM_REGION]?.size ?? 0) / BUS_SIZE;
    return Array.from({ length: buses - 1 }, (_, i) => (i + 1) * 0x100 + devfn);
  }

  /**
   * A function's access to memory, under its current requester ID. Refused while its port
   * does not forward requests, or its ID is not one of the above.
   * @param portOf the DMA port of a requester ID.
   * @throws {RangeError} when it is not plugged in here.
   */
  dmaPortOf(one: PcieFunction, portOf: (requesterId: number) => DmaPort): DmaPort {
    checkRequiredFunction(portOf, 'dmaPortOf: portOf');
    const { devfn, port } = this.#placeOf(one);
    if (!port) return portOf(devfn);
    const index = this.functions.indexOf(one);
    const ids = this.requesterIdsOf(one);
    return new RequesterPort(portOf, () => {
      const id = (this.state.buses[index] ?? 0) * 0x100 + devfn;
      return port.isMaster && ids.includes(id) ? id : undefined;
    });
  }

  #placeOf(one: PcieFunction): Place {
    checkDeviceShape(one, 'PcieHost: one');
    const place = this.#places.find((other) => other.one === one);
    if (!place) throw new RangeError(`${one.name} is not plugged into this PCIe host`);
    return place;
  }

  attach(host: DeviceHost): void {
    this.#lines = Array.from({ length: LINES }, (_, i) => host.interruptLine(i));
  }

  reset(): void {
    this.state = { buses: this.#places.map(() => 0) };
    this.#open = undefined;
    this.#updateLines();
  }

  /**
   * Each line is the OR of the pins wired to it: INTA of a device to line (device mod 4).
   */
  #updateLines(): void {
    this.#lines.forEach((line, i) => {
      line.setLevel(
        this.#places.some(
          ({ one, device }) =>
            one.intx && one.interruptPin > 0 && (device + one.interruptPin - 1) % LINES === i,
        ),
      );
    });
  }

  /** Index of the function at a configuration address; -1 when there is none. */
  #find(offset: number): number {
    const bus = Math.floor(offset / BUS_SIZE);
    const devfn = Math.floor(offset / PCIE_CONFIG_SIZE) % 0x100;
    return this.#places.findIndex(
      (place) =>
        place.devfn === devfn &&
        bus === (place.port?.secondaryBus ?? 0) &&
        bus > 0 === (place.port !== undefined),
    );
  }

  #findWindow(address: number, inIo: boolean): OpenWindow | undefined {
    this.#open ??= this.#places.flatMap(({ one, port }) =>
      one.windows
        .filter((window) => !port || port.forwards(window))
        .map((window) => ({ ...window, one })),
    );
    return this.#open.find(
      ({ address: from, size, isIo = false }) =>
        isIo === inIo && address >= from && address < from + size,
    );
  }

  /**
   * Converts an access to the one that the function gets. Undefined when no function is
   * there.
   */
  #route({ region, offset, size, lo, hi, vcpu }: MmioAccess): PcieFunction | undefined {
    const inner = this.#inner;
    inner.size = size;
    inner.lo = lo;
    inner.hi = hi;
    inner.vcpu = vcpu;
    if (region === ECAM_REGION) {
      inner.region = CONFIGURATION_REGION;
      inner.offset = offset % PCIE_CONFIG_SIZE;
      return this.#places[this.#find(offset)]?.one;
    }
    const inIo = region === IO_REGION;
    const address = inIo ? offset : this.#window.gpa + offset;
    const open = this.#findWindow(address, inIo);
    if (!open) return undefined;
    inner.region = open.region;
    inner.offset = address - open.address;
    return open.one;
  }

  /**
   * True when a function accepts this access size; the bus has only checked the sizes of
   * this device.
   */
  #takes(one: PcieFunction, size: AccessSize): boolean {
    return one.regions[this.#inner.region]?.accessSizes.includes(size) ?? false;
  }

  read(access: MmioAccess): void {
    answerNothing(access);
    const one = this.#route(access);
    if (!one) return;
    const inner = this.#inner;
    if (this.#takes(one, access.size)) {
      one.read(inner);
      access.lo = inner.lo;
      access.hi = inner.hi;
    } else if (access.size === 8 && this.#takes(one, 4)) {
      inner.size = 4;
      one.read(inner);
      access.lo = inner.lo;
      inner.offset += 4;
      one.read(inner);
      access.hi = inner.lo;
    }
  }

  write(access: MmioAccess): void {
    const one = this.#route(access);
    if (!one) return;
    const inner = this.#inner;
    const { size, hi } = access;
    if (access.region === ECAM_REGION) {
      const bus = Math.floor(access.offset / BUS_SIZE);
      this.state.buses[this.#find(access.offset)] = bus;
    }
    if (this.#takes(one, size)) {
      one.write(inner);
    } else if (size === 8 && this.#takes(one, 4)) {
      const { offset, region } = inner;
      inner.size = 4;
      one.write(inner);
      inner.offset = offset + 4;
      inner.region = region;
      inner.lo = hi;
      one.write(inner);
    }
  }

  save(): DeviceState {
    return structuredClone(this.state);
  }

  restore(state: DeviceState): void {
    const restored = plainStateLike(this.state, state);
    if (restored.buses.some((bus) => bus > 0xff))
      throw new TypeError('the state is not of this device: a bus number');
    this.state = restored;
    this.#open = undefined;
    this.#updateLines();
  }

  registerName(region: number, offset: number): string {
    const access = { region, offset, size: 4 as const, lo: 0, hi: 0, vcpu: 0 };
    const one = this.regions[region] ? this.#route(access) : undefined;
    if (!one) return unnamedRegister(this.regions[region], offset);
    return `${one.name}.${one.registerName(this.#inner.region, this.#inner.offset)}`;
  }
}
