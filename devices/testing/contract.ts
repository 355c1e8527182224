// SPDX-License-Identifier: MIT
// The device contract: requirements for every device that is attached to a host
// (docs/device-plugin.md). The cases are independent of a test runner; pass them to
// yours: for (const { name, run } of deviceContract(...)) it(name, run);

import { Random } from '../bus/random.ts';
import {
  type AccessSize,
  checkRequiredFunction,
  type DeviceState,
  PLUGIN_INTERFACE_VERSION,
  type StateValue,
} from '../plugin/index.ts';
import {
  callback,
  checkOptions,
  integerFrom,
  listOf,
  nonEmpty,
  type OptionKinds,
  uint32,
} from '../plugin/option-kinds.ts';
import { check, type DeviceFactory, type Stimulus, Subject } from './subject.ts';
import { firstDifference, visibleState } from './visible-state.ts';

/** The effort of `deviceContract`. */
export interface ContractOptions {
  /** Random operations of each storm. Default 3000. */
  readonly operations?: number;
  /** Seeds; every storm runs once with each. Default 1 to 3. */
  readonly seeds?: readonly number[];
  /**
   * Steps that lead storms into states that random accesses seldom reach; about a quarter
   * of all operations. Default: none.
   */
  readonly stimulus?: Stimulus;
  /**
   * Registers whose values depend on more than the device's state, such as a counter of
   * real time: their values are not compared. Names as from `registerName`; the name of a
   * 64-bit register covers both its words. Default none.
   */
  readonly volatile?: readonly string[];
}

const OPTIONS: OptionKinds<ContractOptions> = {
  operations: integerFrom(1, 2 ** 32 - 1),
  seeds: listOf(uint32),
  stimulus: callback,
  volatile: listOf(nonEmpty),
};

/**
 * One requirement of the contract. `run` throws an Error that says how it was violated.
 */
export interface ContractCase {
  readonly name: string;
  /** @throws {Error} that says what was violated. */
  run(): void;
}

/** A state after a round trip through a file. */
function fromFile(state: DeviceState): DeviceState {
  return JSON.parse(JSON.stringify(state)) as DeviceState;
}

function same(a: readonly string[], b: readonly string[], what: string): void {
  const at = a.findIndex((entry, i) => entry !== b[i]);
  check(
    at < 0 && a.length === b.length,
    () => `${what}: ${a[at] ?? 'nothing'} against ${b[at] ?? b[a.length] ?? 'nothing'}`,
  );
}

/**
 * Compares two devices that should be in the same state: what they save, expose, read,
 * and do from here on.
 */
function sameDevice(
  a: Subject,
  b: Subject,
  seed: number,
  options: ContractOptions,
  what: string,
): void {
  const saved = firstDifference(visibleState(a.device.save()), visibleState(b.device.save()));
  check(saved === undefined, () => `${what}: saved states differ at ${saved}`);
  const fields = firstDifference(
    visibleState(a.device, [a.host]),
    visibleState(b.device, [b.host]),
  );
  check(fields === undefined, () => `${what}: fields differ at ${fields}`);
  same(
    [...a.host.levels].map((level) => level.join(' ')).filter((level) => level.endsWith('true')),
    [...b.host.levels].map((level) => level.join(' ')).filter((level) => level.endsWith('true')),
    `${what}: interrupt levels differ`,
  );
  same(a.pendingTimers, b.pendingTimers, `${what}: timers differ`);
  same(a.readAll(), b.readAll(), `${what}: registers differ`);
  a.host.log.length = 0;
  b.host.log.length = 0;
  const operations = options.operations ?? 3000;
  const readA = a.storm(new Random(seed), operations, options.stimulus);
  const readB = b.storm(new Random(seed), operations, options.stimulus);
  same(readA, readB, `${what}: later reads differ`);
  same(a.host.log, b.host.log, `${what}: later effects differ`);
}

/**
 * States that lack a field of this one, have an extra one, or have a value of another
 * type somewhere.
 */
function* foreignStates(state: StateValue): Generator<StateValue> {
  yield typeof state === 'string' ? 1 : 'foreign';
  yield null;
  if (typeof state !== 'object' || state === null) return;
  if (Array.isArray(state)) {
    if (state.length > 0)
      for (const first of foreignStates(state[0] as StateValue)) yield [first, ...state.slice(1)];
    return;
  }
  const fields = state as { readonly [field: string]: StateValue };
  for (const field of Object.keys(fields)) {
    const { [field]: value, ...others } = fields;
    yield others;
    if (value !== undefined)
      for (const foreign of foreignStates(value)) yield { ...others, [field]: foreign };
  }
}

function identityCase(factory: DeviceFactory): ContractCase {
  return {
    name: 'describes itself',
    run() {
      const { device } = new Subject(factory);
      check(device.name.length > 0, () => 'the device has no name');
      check(
        device.interfaceVersion === PLUGIN_INTERFACE_VERSION,
        () => `interface version ${device.interfaceVersion} is not the host's`,
      );
      for (const { name, size, accessSizes } of device.regions) {
        check(
          size > 0 && size % 4096 === 0,
          () => `size of region ${name} is not a multiple of 4 KiB: ${size}`,
        );
        check(
          accessSizes.length > 0 && accessSizes.every((bytes) => [1, 2, 4, 8].includes(bytes)),
          () => `region ${name} has invalid access sizes`,
        );
      }
      device.regions.forEach((at, region) => {
        const name = device.registerName(region, at.size - 4);
        check(name.length > 0, () => `region ${at.name} has offsets without a name`);
      });
    },
  };
}

/**
 * The bus does not pass these on to a device. A device should still tolerate them, in
 * case a host's bus is wrong.
 */
function oddAccessCase(factory: DeviceFactory): ContractCase {
  return {
    name:
      'answers accesses of every size, unaligned and out of range, without throwing and ' +
      'with values that fit',
    run() {
      const subject = new Subject(factory);
      subject.device.regions.forEach(({ size: bytes, accessSizes }, region) => {
        const edges = [bytes - 8, bytes - 4, bytes - 2, bytes - 1, bytes, bytes + 4, bytes + 8];
        for (const register of [...subject.registers(region).slice(0, 64), ...edges]) {
          for (const skew of [0, 1, 2, 3, 4]) {
            for (const size of accessSizes) {
              const access = { region, offset: register + skew, size, lo: 0, hi: 0, vcpu: 0 };
              subject.access('read', { ...access });
              subject.access('write', {
                ...access,
                lo: size >= 4 ? 0xffffffff : 2 ** (8 * size) - 1,
                hi: size === 8 ? 0xffffffff : 0,
              });
            }
          }
        }
      });
    },
  };
}

/**
 * A guest's compiler may narrow the load of a register whose other bytes are not needed.
 */
function narrowReadCase(
  factory: DeviceFactory,
  seed: number,
  options: ContractOptions,
): ContractCase {
  return {
    name: 'answers narrow reads with the low bytes of what wide ones get',
    run() {
      const operations = options.operations ?? 3000;
      const used = new Subject(factory, options);
      used.storm(new Random(seed), operations, options.stimulus);
      const state = fromFile(used.device.save());
      const twins = [
        new Subject(factory, options, used),
        new Subject(factory, options, used),
      ] as const;
      const read = (subject: Subject, region: number, offset: number, size: AccessSize) => {
        const access = { region, offset, size, lo: 0, hi: 0, vcpu: 0 };
        subject.access('read', access);
        return access.lo;
      };
      used.device.regions.forEach(({ accessSizes }, region) => {
        const wide = accessSizes.includes(4) ? accessSizes.filter((size) => size < 4) : [];
        for (const size of wide) {
          // A read may change the device, so the twins make the same reads, with
          // different sizes.
          for (const { device } of twins) device.restore(state);
          for (const offset of used.registers(region)) {
            if (used.isVolatile(region, offset)) continue;
            const whole = read(twins[0], region, offset, 4);
            const part = read(twins[1], region, offset, size);
            check(
              part === whole % 2 ** (8 * size),
              () =>
                `${used.device.registerName(region, offset)} reads ${part} in ${size} bytes, ` +
                `${whole} in 4`,
            );
          }
        }
      });
    },
  };
}

function stormCases(
  factory: DeviceFactory,
  seed: number,
  options: ContractOptions,
): ContractCase[] {
  const operations = options.operations ?? 3000;
  const stormed = (): Subject => {
    const subject = new Subject(factory, options);
    subject.storm(new Random(seed), operations, options.stimulus);
    return subject;
  };
  return [
    {
      name: `after a storm (seed ${seed}) reset gives the state of a new device`,
      run() {
        const used = stormed();
        const fresh = new Subject(factory, options, used);
        used.host.reset(used.device);
        sameDevice(used, fresh, seed + 1000, options, 'reset device against new one');
      },
    },
    {
      name:
        `after a storm (seed ${seed}) a device that is detached and attached again is a ` +
        'new one',
      run() {
        const used = stormed();
        const fresh = new Subject(factory, options, used);
        used.attachAgain();
        sameDevice(used, fresh, seed + 6000, options, 'device attached again against new one');
      },
    },
    {
      name: `after a storm (seed ${seed}) saving changes nothing and is a copy`,
      run() {
        const used = stormed();
        const first = used.device.save();
        const image = visibleState(first);
        const again = firstDifference(image, visibleState(used.device.save()));
        check(again === undefined, () => `two saves differ at ${again}`);
        const file = firstDifference(image, visibleState(fromFile(first)));
        check(file === undefined, () => `the state is not plain data at ${file}`);
        used.storm(new Random(seed + 2000), operations, options.stimulus);
        const later = firstDifference(image, visibleState(first));
        check(later === undefined, () => `a saved state changed with the device at ${later}`);
      },
    },
    {
      name: `after a storm (seed ${seed}) a restored device is the saved one in every respect`,
      run() {
        const used = stormed();
        const restored = new Subject(factory, options, used);
        restored.device.restore(fromFile(used.device.save()));
        sameDevice(used, restored, seed + 3000, options, 'saved device against restored one');
      },
    },
    {
      name: `after a storm (seed ${seed}) a used device can be restored to the state of a new one`,
      run() {
        const used = stormed();
        const fresh = new Subject(factory, options, used);
        used.device.restore(fromFile(fresh.device.save()));
        sameDevice(used, fresh, seed + 4000, options, 'restored device against new one');
      },
    },
    {
      name:
        `after a storm (seed ${seed}) a foreign state is refused and leaves the device as ` +
        'it was',
      run() {
        const used = stormed();
        const before = visibleState(used.device.save());
        const timers = used.pendingTimers;
        // The invalid states are derived from another device's state, so that every
        // restored value is noticeable.
        const other = new Subject(factory, options);
        other.storm(new Random(seed + 5000), operations, options.stimulus);
        const state = other.device.save();
        for (const foreign of [...foreignStates(state), {}, { ...state, unknown: 1 }]) {
          let refusal: unknown;
          try {
            used.device.restore(foreign as DeviceState);
          } catch (error) {
            refusal = error;
          }
          const shown = JSON.stringify(foreign)?.slice(0, 120);
          check(
            refusal instanceof TypeError,
            () => `a foreign state is not refused with a TypeError: ${shown}`,
          );
          const changed = firstDifference(before, visibleState(used.device.save()));
          check(
            changed === undefined,
            () => `the refused state ${shown} changed the device at ${changed}`,
          );
          same(used.pendingTimers, timers, `the refused state ${shown} changed the timers`);
        }
      },
    },
  ];
}

/**
 * The contract as cases for one device. `factory` creates a new device at each call.
 * @throws {TypeError} when an option is unknown, or the factory is not a function.
 *
 * @example
 * ```js
 * import { defineDevice } from 'vsmmu/devices';
 * import { deviceContract } from 'vsmmu/testing';
 *
 * const counter = () => defineDevice({ name: 'counter', kind: 'CNTR', registers: { COUNT: { offset: 0 } } });
 * for (const { name, run } of deviceContract(counter, { operations: 100, seeds: [1] })) {
 *   run();
 *   console.log(name);
 * }
 * ```
 */
export function deviceContract(
  factory: DeviceFactory,
  options: ContractOptions = {},
): readonly ContractCase[] {
  checkRequiredFunction(factory, 'deviceContract: the factory');
  checkOptions(options, OPTIONS, 'deviceContract');
  const seeds = options.seeds ?? [1, 2, 3];
  return [
    identityCase(factory),
    oddAccessCase(factory),
    narrowReadCase(factory, seeds[0] ?? 1, options),
    ...seeds.flatMap((seed) => stormCases(factory, seed, options)),
  ];
}
