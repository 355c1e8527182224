// SPDX-License-Identifier: MIT
// The standard board on a host with an AMD IOMMU: the IOMMU with the guest's own command
// buffer and event log, a DMA engine that it translates for, a console, and the
// checkpoint device.

import { VirtualAmdIommu } from '../../../devices/amd-iommu/index.ts';
import type { Placement } from '../../../devices/bus/index.ts';
import { Checkpoint } from '../../../devices/checkpoint/index.ts';
import { DmaEngine } from '../../../devices/dma-engine/index.ts';
import { Pl011 } from '../../../devices/pl011/index.ts';
import { MachineCore } from '../../machine/index.ts';
import type { AmdHost } from '../../nested/amd/index.ts';
import {
  ABI_EXIT_REQUEST,
  createGuestMemory,
  createWasi,
  loadGuestImage,
  ramRegions,
  WasmGuest,
} from '../../vcpu/wasm/index.ts';
import type { BoardMachine, BoardOptions } from '../board.ts';
import { withFaults } from '../faulty-devices.ts';
import { NO_CHECKPOINT, TOY_PLACES, TOY_RAM_GPA_BASE, WASM_PAGE } from './toy-places.ts';

const IOMMU_GPA = 0x09050000;
const IOMMU_IRQ = 2;
const DMA_GPA = 0x09200000;
const DMA_IRQ = 5;
/**
 * DeviceID of the DMA engine, as numbered by the guest; those of further bus masters
 * follow.
 */
const DMA_DEVICE = 8;

/** The options of every board, on a host with an AMD IOMMU. */
export interface AmdBoardOptions extends Omit<BoardOptions, 'host'> {
  readonly host: AmdHost;
}

/**
 * Creates a machine with one vCPU, which runs inline; its `boot` starts it.
 * @throws {GuestImageError} when the guest is not a guest.
 * @throws {RangeError} when a device does not fit.
 * @throws {HostError} when the host has run out of something that it lends.
 */
export async function createAmdToyMachine(options: AmdBoardOptions): Promise<BoardMachine> {
  const { host, name, index, memorySize, checkpoint = NO_CHECKPOINT, devices = [] } = options;
  const { args, env, random, clock, onTrace, directMaps, msis, faults } = options;
  if (faults?.fetchAborts)
    throw new RangeError('fetchAborts is for command queues of an SMMU, not for an AMD IOMMU');
  const image = await loadGuestImage(options.guest);
  const memory = createGuestMemory(
    image,
    memorySize === undefined ? undefined : memorySize / WASM_PAGE,
  );
  const regions = ramRegions(memory, TOY_RAM_GPA_BASE);
  const vm = host.createVm(name, memory, regions, { msis, exitRequest: ABI_EXIT_REQUEST });
  try {
    const masters = devices.filter(({ device, dmaPort }) => device.identity.busMaster && !dmaPort);
    const deviceOf = (one: Placement) => DMA_DEVICE + 1 + masters.indexOf(one);
    const iommu = host.createGuestIommu(vm, [DMA_DEVICE, ...masters.map(deviceOf)]);
    const uart = new Pl011({ onOutput: (bytes) => options.onOutput(bytes) });
    const guest = new WasmGuest({
      image,
      memory,
      ramGpaBase: TOY_RAM_GPA_BASE,
      index,
      wasi: createWasi,
      onOutput: (_stream, bytes) => options.onOutput(bytes),
      readInput: (most) => options.readInput?.(most) ?? new Uint8Array(),
      drain: vm.unit.drain,
      ...(args === undefined ? {} : { args }),
      ...(env === undefined ? {} : { env }),
      ...(random === undefined ? {} : { random }),
    });
    const machine = new MachineCore({
      name,
      guest,
      memory,
      regions,
      msis,
      onSafePoint: (full) => host.service(full),
      ...(clock === undefined ? {} : { clock }),
      ...(directMaps === undefined ? {} : { directMaps }),
      ...(onTrace === undefined ? {} : { onTrace }),
      devices: withFaults(faults, undefined, [
        { device: uart, ...TOY_PLACES.pl011 },
        { device: new VirtualAmdIommu(iommu), addresses: [IOMMU_GPA], firstIrq: IOMMU_IRQ },
        {
          device: new DmaEngine(),
          addresses: [DMA_GPA],
          firstIrq: DMA_IRQ,
          dmaPort: host.dmaPort(iommu, DMA_DEVICE),
        },
        { device: new Checkpoint(checkpoint), ...TOY_PLACES.checkpoint },
        ...devices.map((one) =>
          masters.includes(one) ? { ...one, dmaPort: host.dmaPort(iommu, deviceOf(one)) } : one,
        ),
      ]),
    });
    return {
      machine,
      drainable: undefined,
      vm: undefined,
      queues: 'vcmdq',
      smmus: [],
      amd: iommu,
      receive: (bytes) => uart.receive(bytes),
      destroy() {
        machine.devices.detach();
        host.destroyVm(vm);
      },
    };
  } catch (error) {
    host.destroyVm(vm);
    throw error;
  }
}
