// SPDX-License-Identifier: MIT
// A device under test, and random accesses to it.

import { DeviceLease } from '../bus/device-lease.ts';
import type { Random } from '../bus/random.ts';
import type { PendingTimer } from '../bus/timer-queue.ts';
import { answeredObject } from '../plugin/answers.ts';
import { DEVICE_CALLS } from '../plugin/device-calls.ts';
import type { AccessSize, Device, MmioAccess } from '../plugin/index.ts';
import { unknownName, unnamedRegister } from '../plugin/index.ts';
import { upperWord } from '../plugin/upper-word.ts';
import { DeviceBus } from './device-bus.ts';
import { FakeHost } from './fake-host.ts';

/**
 * Makes a device for a host; called for every instance that a test needs. The suite
 * attaches and resets it.
 */
export type DeviceFactory = (host: FakeHost) => Device;

/**
 * A random step that blind accesses would hardly ever make: input other than a register
 * access, or a write that a driver would make now. Uses only its arguments and `random`,
 * so that two equal devices get equal steps.
 */
export type Stimulus = (bus: DeviceBus, random: Random, host: FakeHost) => void;

/** Offsets tried in a region of a device that names no register. */
const MAX_UNNAMED = 0x1000;

/** Registers of a device: word offsets by region, and what they were found in. */
interface Registers {
  readonly regions: Device['regions'];
  readonly offsets: readonly (readonly number[])[];
}

/**
 * Registers of the first device of each factory. A suite makes dozens of devices with the
 * same regions, and to ask for the names of a region takes as long as a storm does.
 */
const knownRegisters = new WeakMap<DeviceFactory, Registers>();

function haveSameRegions(one: Device['regions'], two: Device['regions']): boolean {
  return (
    one.length === two.length &&
    one.every(({ name, size }, i) => name === two[i]?.name && size === two[i]?.size)
  );
}

/**
 * Word offsets of the registers that the device names in a region; the first offsets of
 * the region when it names none.
 */
function findRegisters(device: Device, region: number): number[] {
  const at = device.regions[region];
  const words = Array.from({ length: (at?.size ?? 0) / 4 }, (_, i) => 4 * i);
  const named = words.filter(
    (offset) => device.registerName(region, offset) !== unnamedRegister(at, offset),
  );
  return named.length > 0 ? named : words.filter((offset) => offset < MAX_UNNAMED);
}

function registersOf(factory: DeviceFactory, device: Device): Registers['offsets'] {
  const known = knownRegisters.get(factory);
  if (known && haveSameRegions(known.regions, device.regions)) return known.offsets;
  const offsets = device.regions.map((_, region) => findRegisters(device, region));
  knownRegisters.set(factory, { regions: device.regions, offsets });
  return offsets;
}

/**
 * Values that registers often treat specially; storms add RAM addresses and random words.
 */
const EDGES = [
  0, 1, 2, 3, 4, 0x10, 0x80, 0xff, 0x1000, 0x8000, 0xffff, 0x10000, 0x80000, 0xfffff, 0x7fffffff,
  0x80000000, 0xffffffff,
];

/** @throws {Error} with the message unless the condition is true. */
export function check(condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new Error(message());
}

export class Subject {
  readonly host: FakeHost;
  readonly device: Device;
  readonly #registers: readonly (readonly number[])[];
  readonly #volatile: ReadonlySet<string>;

  #lease: DeviceLease;

  /**
   * @param volatile names of registers whose values are not compared.
   * @param like a subject whose RAM and time are copied to the new one's host: a machine
   *   that continues a saved one.
   * @param host that the subject is attached to. Default: a new one.
   */
  constructor(
    factory: DeviceFactory,
    { volatile = [] }: { readonly volatile?: readonly string[] } = {},
    like?: Subject,
    host = new FakeHost(),
  ) {
    this.#volatile = new Set(volatile.flatMap((name) => [name, upperWord(name)]));
    this.host = host;
    this.device = answeredObject(factory(this.host), DEVICE_CALLS, 'the factory of devices');
    this.#lease = new DeviceLease(this.host);
    this.device.attach(this.#lease);
    if (like) {
      this.host.ram.set(like.host.ram);
      this.host.timeNs = like.host.timeNs;
    }
    this.host.reset(this.device);
    this.#registers = registersOf(factory, this.device);
    if (volatile.length === 0) return;
    const names = this.#registers.flatMap((offsets, region) =>
      offsets.map((offset) => this.device.registerName(region, offset)),
    );
    for (const name of volatile)
      if (!names.includes(name)) throw new TypeError(unknownName('register', name, names));
  }

  /** Detaches the device and attaches it again, as if to another machine. */
  attachAgain(): void {
    this.#lease.end();
    this.#lease = new DeviceLease(this.host);
    this.device.attach(this.#lease);
    this.host.reset(this.device);
  }

  /** The device's timers that have a deadline: "device: alarm at 5000". */
  get pendingTimers(): readonly string[] {
    return this.host.timers.pending.map(
      ({ label, deadline }: PendingTimer) => `${label} at ${deadline}`,
    );
  }

  registers(region: number): readonly number[] {
    return this.#registers[region] ?? [];
  }

  /** True when the value of the register at an offset is not compared. */
  isVolatile(region: number, offset: number): boolean {
    return this.#volatile.has(this.device.registerName(region, offset));
  }

  /** A read in the form that is compared: the register's name, and its value. */
  #compared(access: MmioAccess): string {
    const value = this.access('read', access);
    const { region, offset, size } = access;
    const name = this.device.registerName(region, offset);
    const isVolatile =
      this.isVolatile(region, offset) || (size === 8 && this.isVolatile(region, offset + 4));
    return isVolatile ? name : `${name} = ${value}`;
  }

  /**
   * One access without the bus's checks; verifies what no device may do. Returns "lo:hi"
   * as left by the device.
   */
  access(kind: 'read' | 'write', access: MmioAccess): string {
    const described = () =>
      `${kind} of ${access.size} at 0x${access.offset.toString(16)} of region ${access.region}`;
    try {
      this.device[kind](access);
    } catch (error) {
      throw new Error(`${described()} throws`, { cause: error });
    }
    if (kind === 'write') return '';
    const limit = access.size >= 4 ? 0xffffffff : 2 ** (8 * access.size) - 1;
    const fits = (value: number, max: number) =>
      Number.isInteger(value) && value >= 0 && value <= max;
    check(
      fits(access.lo, limit) && fits(access.hi, access.size === 8 ? 0xffffffff : 0),
      () => `${described()} returns lo ${access.lo}, hi ${access.hi}, which does not fit`,
    );
    return `${access.lo.toString(16)}:${access.hi.toString(16)}`;
  }

  /** Reads every register once, in order. */
  readAll(): string[] {
    return this.device.regions.flatMap((at, region) => {
      const size: AccessSize = at.accessSizes.includes(4) ? 4 : (at.accessSizes[0] ?? 4);
      const offsets = this.registers(region).filter((offset) => offset % size === 0);
      return offsets.map((offset) =>
        this.#compared({ region, offset, size, lo: 0, hi: 0, vcpu: 0 }),
      );
    });
  }

  #value(random: Random): number {
    switch (random.below(4)) {
      case 0:
        return random.pick(EDGES);
      case 1:
        return this.host.ramGpa + random.below(this.host.ramSize);
      case 2:
        return random.below(0x100);
      default:
        return random.word();
    }
  }

  #access(random: Random): MmioAccess {
    const region = random.below(this.device.regions.length);
    const at = this.device.regions[region];
    const size = random.pick(at?.accessSizes ?? [4]);
    const registers = this.registers(region);
    const offset = random.below(8) > 0 ? random.pick(registers) : random.below(at?.size ?? 0);
    return { region, offset: offset - (offset % size), size, lo: 0, hi: 0, vcpu: 0 };
  }

  /**
   * Random accesses that a bus passes on, stimuli and background work. Returns the result
   * of each read, in order.
   */
  storm(random: Random, operations: number, stimulus?: Stimulus): string[] {
    const seen: string[] = [];
    const bus = new DeviceBus(this.device);
    for (let i = 0; i < operations; i++) {
      const access = this.#access(random);
      const choice = random.below(20);
      if (choice === 0) {
        // Half of the time the machine sleeps until a timer is due.
        const { nextDeadline } = this.host.timers;
        if (nextDeadline !== undefined && random.below(2))
          this.host.timeNs = Math.max(this.host.timeNs, nextDeadline);
        this.host.poll();
      } else if (stimulus && choice < 6) {
        stimulus(bus, random, this.host);
      } else if (choice < 12) {
        access.lo =
          access.size >= 4 ? this.#value(random) : this.#value(random) % 2 ** (8 * access.size);
        access.hi = access.size === 8 && random.below(2) ? this.#value(random) : 0;
        this.access('write', access);
      } else {
        seen.push(this.#compared(access));
      }
    }
    return seen;
  }
}
