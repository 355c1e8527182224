// SPDX-License-Identifier: MIT
// Accesses to the registers of every device, in any order: the SMMU and the CMDQV in both
// roles, also the AMD IOMMU, the DMA engine, the PL011, the checkpoint device. None
// throws or returns an invalid value; the work caused by one access is bounded; after a
// reset the device works like a new one.

import { Checkpoint } from '../../../devices/checkpoint/index.ts';
import { DmaEngine } from '../../../devices/dma-engine/index.ts';
import { Pl011 } from '../../../devices/pl011/index.ts';
import { DeviceBus, Random, type Stimulus } from '../../../devices/testing/index.ts';
import { type DeviceFactory, Subject } from '../../../devices/testing/subject.ts';
import {
  commandsOf,
  fillRing,
  hotRegisters,
  MOST_COMMANDS,
  type Plugged,
  pluggedDevices,
  RING_BYTES,
} from '../../hostile/plugged-devices.ts';
import { amdDriver, physicalAmdIommu, virtualAmdIommu } from '../../support/amd-devices.ts';
import { physicalCmdqvStep, virtualCmdqvStep } from '../../support/cmdqv-steps.ts';
import { dmaStep } from '../../support/dma-steps.ts';
import { checkedModules } from '../../support/findings.ts';
import { uartStep } from '../../support/uart-steps.ts';
import { ensure, type Fuzzer, type FuzzTarget } from '../target.ts';

/** Operations per run, with one device. */
const OPERATIONS = 1000;
const VALUES = [0, 1, 3, 8, 0xd, 0xf, 0x1f, 0x10000, 0x80000000, 0x80000001, 0xffffffff];
const ignore = () => undefined;

/** A device that is fuzzed repeatedly. */
interface Fuzzed {
  readonly subject: Subject;
  readonly stimulus: Stimulus | undefined;
  /** For a device with queues. */
  readonly plugged: Plugged | undefined;
}

/** A write to a register that starts queues, with a meaningful value. */
const hotWrite =
  (name: string): Stimulus =>
  (bus, random) => {
    const offset = random.pick(hotRegisters(name));
    const value = [
      () => random.pick(VALUES),
      () => random.below(20),
      () => 0x80000000 + random.below(32),
      () => random.word(),
    ];
    if (offset % 8 === 0 && random.below(2) === 0)
      bus.write64(offset, BigInt(random.pick(value)()));
    else bus.write32(offset, random.pick(value)());
  };

/** One half of the time the first, otherwise the second. */
const either =
  (a: Stimulus, b: Stimulus): Stimulus =>
  (bus, random, host) =>
    (random.below(2) === 0 ? a : b)(bus, random, host);

const CMDQV_STEPS: Readonly<Record<string, Stimulus>> = {
  VirtualCmdqv: virtualCmdqvStep,
  PhysicalCmdqv: physicalCmdqvStep,
};

const SIMPLE: readonly (readonly [DeviceFactory, Stimulus?])[] = [
  [() => new DmaEngine(), dmaStep],
  [() => new Pl011({ onOutput: ignore }), uartStep],
  [() => new Checkpoint({ onPhase: ignore, onResult: ignore })],
  [physicalAmdIommu],
  [virtualAmdIommu, amdDriver],
];

class RegisterFuzzer implements Fuzzer {
  readonly #devices: readonly Fuzzed[];

  constructor(devices: readonly Fuzzed[]) {
    this.#devices = devices;
  }

  /**
   * Enabled after a reset, the device executes one CMD_SYNC on each queue, and reports no
   * error.
   */
  #worksAnew({ subject, plugged }: Fuzzed): void {
    const { host, device } = subject;
    host.reset(device);
    if (!plugged) return;
    const { ram, works } = plugged;
    new Uint32Array(ram.buffer, ram.byteOffset, 4).set([0x46, 0, 0, 0]);
    const answers = works(new DeviceBus(device));
    const error = answers.pop();
    ensure(
      error === 0 && answers.every((cons) => cons === 1),
      () => `${device.name} does not work after a reset: CONS ${answers}, GERROR ${error}`,
    );
  }

  run(seed: number): number {
    const random = new Random(seed);
    const fuzzed = random.pick(this.#devices);
    const { subject, stimulus, plugged } = fuzzed;
    const { host } = subject;
    host.timeNs = 0;
    host.ram.fill(0);
    this.#worksAnew(fuzzed);
    if (plugged)
      fillRing(new Uint32Array(plugged.ram.buffer, plugged.ram.byteOffset, RING_BYTES / 4), random);
    const before = commandsOf(plugged?.queues ?? []);
    subject.storm(random, OPERATIONS, stimulus);
    ensure(
      commandsOf(plugged?.queues ?? []) - before <= OPERATIONS * MOST_COMMANDS,
      () => `${subject.device.name} carries out more commands than its rings have`,
    );
    host.log.length = 0;
    this.#worksAnew(fuzzed);
    host.log.length = 0;
    return OPERATIONS;
  }
}

export const registers: FuzzTarget = {
  name: 'registers',
  async create() {
    const modules = await checkedModules();
    const withQueues = Object.entries(pluggedDevices(modules)).map(([name, plug]): Fuzzed => {
      let plugged: Plugged | undefined;
      const subject = new Subject((host) => {
        plugged = plug(host);
        return plugged.device;
      });
      const steps = CMDQV_STEPS[name];
      const stimulus = steps ? either(hotWrite(name), steps) : hotWrite(name);
      return { subject, stimulus, plugged };
    });
    const simple = SIMPLE.map(
      ([factory, stimulus]): Fuzzed => ({
        subject: new Subject(factory),
        stimulus,
        plugged: undefined,
      }),
    );
    return new RegisterFuzzer([...withQueues, ...simple]);
  },
};
