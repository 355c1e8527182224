// The standard board: SMMUv3 with CMDQV, a DMA engine behind it, a console, and the
// checkpoint device. What the guest finds here stands in the device table of its info
// page; nothing of it is fixed for the guest.

import { ABI_MAX_DEVICES } from '../../../assembly/layout/guest-abi.ts';
import type { Placement } from '../../../devices/bus/index.ts';
import { Checkpoint, type CheckpointOptions } from '../../../devices/checkpoint/index.ts';
import { VirtualCmdqv } from '../../../devices/cmdqv/index.ts';
import { DmaEngine } from '../../../devices/dma-engine/index.ts';
import { Pl011 } from '../../../devices/pl011/index.ts';
import { guestIdRegisters, VirtualSmmu } from '../../../devices/smmuv3/index.ts';
import type { Vm } from '../../../host/kernel/index.ts';
import { MachineCore } from '../../machine/index.ts';
import type { LentVintf, NestedSmmu } from '../../nested/index.ts';
import { type DirectContext, type Drainable, unitsFor, VcpuThreads } from '../../threads/index.ts';
import {
  ABI_EXIT_REQUEST,
  createGuestMemory,
  createWasi,
  type GuestImage,
  type Instantiate,
  loadGuestImage,
  loadSecondaryProgram,
  ramRegions,
  WasmGuest,
} from '../../vcpu/wasm/index.ts';
import type { Board, BoardMachine, BoardOptions, Queues } from '../board.ts';
import { abortFetches, withFaults } from '../faulty-devices.ts';

/** gpa of memory offset 0. */
export const TOY_RAM_GPA_BASE = 0x80000000;
const PL011_GPA = 0x09000000;
const SMMU_GPA = 0x09050000;
const CHECKPOINT_GPA = 0x09100000;
const DMA_GPA = 0x09200000;
const CMDQV_GPA = 0x0a000000;

const PL011_IRQ = 1;
/** Event queue; the global error interrupt follows. */
const SMMU_IRQ = 2;
const CMDQV_IRQ = 4;
const DMA_IRQ = 5;

/** Devices of the board itself. */
const OWN_DEVICES = 5;
const FREE = { gpa: 0x10000000, irq: 16, devices: ABI_MAX_DEVICES - OWN_DEVICES } as const;

/** StreamID of the DMA engine, as the guest numbers it; those of further bus masters follow. */
const DMA_STREAM = 8;
const WASM_PAGE = 0x10000;

/** What the toy's board is made with when guest and secondary program are compiled already. */
export interface ToyBoardOptions
  extends Omit<BoardOptions, 'guest' | 'secondary' | 'memorySize' | 'allowGc'> {
  readonly image: GuestImage;
  readonly secondary?: WebAssembly.Module | undefined;
  /** Pages of 64 KiB, default as many as the guest asks for. */
  readonly memoryPages?: number | undefined;
  /** The guest's SMMU takes part in the broadcast TLB maintenance of its vCPUs (IDR0.BTM), where the host's does. */
  readonly btm?: boolean;
  /** How the guest is instantiated inline; a test can look at the import object here. */
  readonly instantiate?: Instantiate;
}

/** A machine on this board, and what its host has given it. */
export interface ToyMachine extends BoardMachine, Drainable {
  readonly machine: MachineCore;
  readonly drainable: Drainable;
  readonly vm: Vm;
  readonly viommu: NestedSmmu;
  readonly vintf: LentVintf;
}

const NO_CHECKPOINT: CheckpointOptions = { onPhase: () => undefined, onResult: () => undefined };

/** On the overlay path it is the vIOMMU's one CMDQ that rings, which is none of the direct path's. */
function directContext(viommu: NestedSmmu, vintf: LentVintf, queues: Queues): DirectContext {
  const { smmuBlock, context, enhancedQueues } = viommu;
  if (viommu.overlay) return { smmuBlock, context, queues: [] };
  if (queues === 'ecmdq')
    return { smmuBlock, context, queues: enhancedQueues.map(({ block }) => block) };
  return { smmuBlock, context: vintf.context, queues: vintf.queues };
}

/** The devices with a way to memory for each bus master that has none: a stream of its own. */
function withPorts(
  devices: readonly Placement[],
  streams: readonly number[],
  portOf: (stream: number, requesterId: number | undefined) => Placement['dmaPort'],
): readonly Placement[] {
  const left = [...streams];
  return devices.map((placement) => {
    const stream = needsPort(placement) ? left.shift() : undefined;
    const dmaPort = stream === undefined ? undefined : portOf(stream, placement.requesterId);
    return dmaPort ? { ...placement, dmaPort } : placement;
  });
}

const needsPort = ({ device, dmaPort }: Placement) => device.identity.busMaster && !dmaPort;

/**
 * Builds a machine; `machine.boot` starts it.
 * @throws {HostError} when the host has nothing left to lend.
 */
export function createToyMachine(options: ToyBoardOptions): ToyMachine {
  const { host, name, index, image, memoryPages, checkpoint = NO_CHECKPOINT } = options;
  const {
    overlay = false,
    btm = false,
    queues = 'vcmdq',
    devices = [],
    directMaps,
    msis,
  } = options;
  const { faults } = options;
  const { vcpus, secondary, args, env, random, clock, onTrace } = options;
  const memory = createGuestMemory(image, memoryPages);
  const regions = ramRegions(memory, TOY_RAM_GPA_BASE);
  const vm = host.createVm(name, memory, regions, { msis, exitRequest: ABI_EXIT_REQUEST });
  try {
    const streams = devices.filter(needsPort).map((_, i) => DMA_STREAM + 1 + i);
    const viommu = host.createViommu(vm, [DMA_STREAM, ...streams], { cmdqv: true, overlay, btm });
    const vintf = host.createVintf(viommu);
    const { idRegisters = 'auto' } = options;
    const shown =
      idRegisters === 'auto'
        ? guestIdRegisters(viommu.hostIdRegisters, { enhancedQueues: queues === 'ecmdq' })
        : idRegisters;
    const uart = new Pl011({ onOutput: (bytes) => options.onOutput(bytes) });
    const guest = new WasmGuest({
      image,
      memory,
      ramGpaBase: TOY_RAM_GPA_BASE,
      index,
      secondary,
      wasi: createWasi,
      onOutput: (_stream, bytes) => options.onOutput(bytes),
      readInput: (most) => options.readInput?.(most) ?? new Uint8Array(),
      drain: vm.unit.drain,
      transport:
        options.exits && new VcpuThreads(options.exits, unitsFor(host, vm), options.workerUrl),
      ...(vcpus === undefined ? {} : { vcpus }),
      ...(args === undefined ? {} : { args }),
      ...(env === undefined ? {} : { env }),
      ...(random === undefined ? {} : { random }),
      ...(options.instantiate === undefined ? {} : { instantiate: options.instantiate }),
    });
    const machine = new MachineCore({
      name,
      guest,
      memory,
      regions,
      msis,
      onVcpu: (vcpu, runs) => host.vcpuRuns(vm, vcpu, runs),
      onSafePoint: (full) => host.service(full),
      ...(clock === undefined ? {} : { clock }),
      ...(directMaps === undefined ? {} : { directMaps }),
      ...(onTrace === undefined ? {} : { onTrace }),
      devices: withFaults(faults, () => abortFetches(viommu, vintf), [
        { device: uart, addresses: [PL011_GPA], firstIrq: PL011_IRQ },
        {
          device: new VirtualSmmu({
            backend: viommu,
            idRegisters: shown,
            onRefusal: options.onRefusal,
          }),
          addresses: [SMMU_GPA],
          firstIrq: SMMU_IRQ,
        },
        ...(overlay || queues === 'ecmdq'
          ? []
          : [
              {
                device: new VirtualCmdqv({ backend: vintf }),
                addresses: [CMDQV_GPA],
                firstIrq: CMDQV_IRQ,
              },
            ]),
        {
          device: new DmaEngine(),
          addresses: [DMA_GPA],
          firstIrq: DMA_IRQ,
          dmaPort: host.dmaPort(viommu, DMA_STREAM),
        },
        { device: new Checkpoint(checkpoint), addresses: [CHECKPOINT_GPA] },
        ...withPorts(devices, streams, (stream, requesterId) =>
          host.dmaPort(viommu, stream, requesterId),
        ),
      ]),
    });
    vm.onStop((reason) => machine.stop(reason));
    const drainable: Drainable = {
      machine,
      threads: host,
      guest: vm,
      direct: [directContext(viommu, vintf, queues)],
    };
    return {
      ...drainable,
      drainable,
      vm,
      viommu,
      vintf,
      queues,
      smmus: [{ smmu: viommu, vintf }],
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

/** As many as the toy works with, and the host's default size has queues for. */
const MAX_VCPUS = 4;

/** The board of the toy, and of every Wasm guest that brings none. */
export const toyBoard: Board = {
  name: 'toy',
  free: FREE,
  async create({ guest, secondary, memorySize, allowGc, ...options }) {
    if (options.vcpus !== undefined && options.vcpus > MAX_VCPUS)
      throw new RangeError(`a machine of the standard board has 1 to ${MAX_VCPUS} vCPUs`);
    return createToyMachine({
      ...options,
      image: await loadGuestImage(guest, { allowGc }),
      secondary: secondary && (await loadSecondaryProgram(secondary, { allowGc })),
      memoryPages: memorySize === undefined ? undefined : memorySize / WASM_PAGE,
    });
  },
};
