// SPDX-License-Identifier: MIT
// Drivers that direct the devices of a machine to arbitrary addresses: with a real SMMU
// none of them writes a byte that stage 1 does not map, or outputs one that it has read
// there.

import { beforeEach, expect, it } from 'vitest';
import { DeviceComplex, guestMemoryOf } from '../../../devices/bus/index.ts';
import { DmaEnginePci } from '../../../devices/dma-engine/index.ts';
import { type PcieEndpoint, PcieHost } from '../../../devices/pcie/index.ts';
import type { AccessSize, Device } from '../../../devices/plugin/index.ts';
import { S1_READ_WRITE } from '../../../devices/tables/index.ts';
import { type DeviceBus, type FakeHost, Random } from '../../../devices/testing/index.ts';
import {
  MemoryDisk,
  VirtioBlock,
  VirtioConsole,
  VirtioEntropy,
  type VirtioFunction,
  VirtioMmio,
  VirtioNet,
  VirtioPci,
} from '../../../devices/virtio/index.ts';
import { VmHost } from '../../../vmm/nested/index.ts';
import { dmaPciStep } from '../../support/dma-steps.ts';
import { FakeInterruptController } from '../../support/fake-interrupt-controller.ts';
import { checkedHost, checkedModules } from '../../support/findings.ts';
import {
  attachStage1,
  DATA_GPA,
  IOVA,
  lendVm,
  RAM_GPA_BASE,
  STREAM,
} from '../../support/lent-vm.ts';
import { ecam } from '../../support/pcie-function.ts';
import { virtioPciStep } from '../../support/virtio-pci-steps.ts';
import { virtioLegacyStep, virtioStep } from '../../support/virtio-steps.ts';

const modules = await checkedModules();
const ECAM = 0x3f000000;
const WINDOW = { gpa: 0x10000000, size: 0x200000 };
const MMIO = 0x3e000000;
/** Addresses at which stage 1 maps the driver's pages. */
const [GRANTED, GRANTED_BYTES] = [0x40000000, 0x6000];
/** RAM that it does not map, filled with this byte, which drivers never write. */
const [SECRET_AT, SECRET_END, SECRET] = [0x148000, 0x180000, 0xa5];
const STEPS = 1200;
const BARS = [WINDOW.gpa, WINDOW.gpa + 0x8000, WINDOW.gpa + 0x100000];

let host: VmHost;
beforeEach(async () => {
  host = await checkedHost(VmHost, { modules });
});

/** True for bytes that contain some of that memory. */
const isSecret = (bytes: Uint8Array): boolean =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(Buffer.alloc(4, SECRET));

/** The output of devices: console output, frames, sectors. */
class Outside {
  readonly disk = new Uint8Array(0x10000);
  readonly #sent: Uint8Array[] = [];

  readonly functions: Readonly<Record<string, () => VirtioFunction>> = {
    'a disk': () => new VirtioBlock(new MemoryDisk(this.disk), 'disk'),
    'a console': () => new VirtioConsole((bytes) => this.#sent.push(bytes.slice())),
    'random numbers': () => new VirtioEntropy((target) => target.fill(0x11)),
    'a network': () => {
      const net = new VirtioNet({
        onFrame: (frame) => {
          this.#sent.push(frame);
          net.receive(frame);
        },
      });
      return net;
    },
  };

  get hasSecret(): boolean {
    return [this.disk, ...this.#sent].some(isSecret);
  }
}

type Step = (bus: DeviceBus, random: Random, host: FakeHost) => void;

/** A device with the SMMU, and a driver's accesses to its regions. */
function board(device: Device, isPcie: boolean) {
  const lent = lendVm(host, 'vm', { msis: new FakeInterruptController() });
  const table = attachStage1(lent, { eats: 1 });
  table.unmap(IOVA, 0x1000);
  table.map(GRANTED, DATA_GPA, GRANTED_BYTES, S1_READ_WRITE);
  lent.bytes.fill(SECRET, SECRET_AT, SECRET_END);
  const port = host.dmaPort(lent.viommu, STREAM);
  const functions = isPcie ? [{ device: STREAM >> 3, plugged: device as PcieEndpoint }] : [];
  const bridge = new PcieHost({ buses: 4, window: WINDOW, functions });
  const complex = new DeviceComplex({
    devices: isPcie
      ? [
          { device: bridge, addresses: [ECAM, WINDOW.gpa], firstIrq: 0 },
          {
            device,
            addresses: [],
            bridged: true,
            dmaPort: bridge.dmaPortOf(device as PcieEndpoint, () => port),
          },
        ]
      : [{ device, addresses: [MMIO], firstIrq: 0, dmaPort: port }],
    memory: guestMemoryOf(lent.vm.memory, lent.vm.regions),
    interrupts: { line: () => ({ pulse: () => undefined, setLevel: () => undefined }) },
    clock: { nowNs: () => 0 },
  });
  const { bus } = complex;
  const at = [ECAM + ecam(0, STREAM >> 3, 0), BARS[0] ?? 0, (BARS[0] ?? 0) + 0x4000];
  /** Moves its BARs, at any time. */
  const move = (random: Random) => {
    const [config = 0] = at;
    const bar = random.pick(BARS);
    at[1] = bar;
    at[2] = bar + 0x4000;
    bus.write(config + 0x10, 4, bar);
    bus.write(config + 0x14, 4, bar + 0x4000);
    bus.write(config + 4, 2, 6);
  };
  const write = (region: number, offset: number, size: AccessSize, value: number) =>
    bus.write((isPcie ? (at[region] ?? 0) : MMIO) + offset, size, value);
  const driver = {
    write,
    write32: (offset: number, value: number) => write(0, offset, 4, value),
  } as unknown as DeviceBus;
  const start = DATA_GPA - RAM_GPA_BASE;
  const ram = lent.bytes.subarray(start, start + GRANTED_BYTES);
  return { ...lent, complex, driver, move, ram, start };
}

/** An unmapped address, one after the mapped pages, and one across their end. */
const elsewhere = (random: Random): number =>
  random.pick([
    RAM_GPA_BASE + SECRET_AT + 0x100 * random.below(0x100),
    RAM_GPA_BASE + SECRET_AT,
    RAM_GPA_BASE,
    DATA_GPA,
    GRANTED + GRANTED_BYTES - 8,
    GRANTED + GRANTED_BYTES,
    0,
    2 ** 52,
  ]);

/** An operation of the DMA engine from or to such an address. */
function misdirect(bus: DeviceBus, random: Random): void {
  const [inside, outside] = [GRANTED + 0x100 * random.below(0x50), elsewhere(random)];
  const words = random.below(2) === 0 ? [inside, outside] : [outside, inside];
  for (const [i, iova] of words.entries()) {
    bus.write(1, 0x10 + 8 * i, 4, iova % 2 ** 32);
    bus.write(1, 0x14 + 8 * i, 4, Math.floor(iova / 2 ** 32));
  }
  bus.write(1, 0x0c, 4, 0x40);
  bus.write(1, 0x3c, 4, 0);
  bus.write(1, 0x04, 4, 1 + random.below(2));
}

/** Points a driver's descriptor to such an address, and makes it available again. */
function misplace(bus: DeviceBus, isPcie: boolean, view: DataView, random: Random): void {
  const index = random.below(3);
  view.setBigUint64(0x1000 + 16 * index, BigInt(elsewhere(random)), true);
  // The available rings of modern queues, and of legacy ones.
  for (const at of [0x1102, 0x1042]) view.setUint16(at, view.getUint16(at, true) + 1, true);
  const queue = random.below(2);
  if (isPcie) bus.write(1, 0x3000 + 4 * queue, 2, queue);
  else bus.write32(0x50, queue);
}

function attack(device: Device, isPcie: boolean, step: Step, outside: Outside): void {
  const { complex, driver, move, ram, start, bytes, events } = board(device, isPcie);
  const view = new DataView(ram.buffer, ram.byteOffset, ram.length);
  const fake = { ram, ramGpa: GRANTED, ramSize: GRANTED_BYTES * 2 } as unknown as FakeHost;
  const before = bytes.slice();
  const random = new Random(1);
  for (let i = 0; i < STEPS; i++) {
    if (isPcie && (i === 0 || random.below(16) === 0)) move(random);
    step(driver, random, fake);
    if (step === dmaPciStep) misdirect(driver, random);
    else misplace(driver, isPcie, view, random);
    for (let turn = 0; turn < 4; turn++) complex.poll();
    host.service(true);
  }
  const isOutside = (at: number) => at < start || at >= start + GRANTED_BYTES;
  expect(before.findIndex((byte, at) => isOutside(at) && byte !== bytes[at])).toBe(-1);
  expect([outside.hasSecret, isSecret(ram)]).toEqual([false, false]);
  // It did try: the SMMU has refused accesses of this stream.
  expect(events.length).toBeGreaterThan(0);
  expect(new Set(events.map((record) => record[1]))).toEqual(new Set([STREAM]));
  // And it did work: not all of the driver's accesses were refused.
  expect(ram.some((byte, at) => at >= 0x1200 && byte !== 0)).toBe(true);
}

const KINDS = Object.keys(new Outside().functions);
const make = (kind: string, outside: Outside) => outside.functions[kind]?.() ?? new VirtioNet();

it.each(KINDS)('%s over PCIe', (kind) => {
  const outside = new Outside();
  attack(new VirtioPci('device', make(kind, outside)), true, virtioPciStep, outside);
});

it.each(KINDS)('%s over MMIO', (kind) => {
  const outside = new Outside();
  attack(new VirtioMmio('device', make(kind, outside)), false, virtioStep, outside);
});

it.each(KINDS.filter((kind) => make(kind, new Outside()).supportsLegacy))(
  '%s by the legacy interface',
  (kind) => {
    const outside = new Outside();
    const device = new VirtioMmio('device', make(kind, outside), { legacy: true });
    attack(device, false, virtioLegacyStep, outside);
  },
);

it('the DMA engine over PCIe', () => {
  attack(new DmaEnginePci('dma'), true, dmaPciStep, new Outside());
});
