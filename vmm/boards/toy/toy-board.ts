// The standard board: SMMUv3 with CMDQV, a DMA engine behind it, a console, and the checkpoint device. What the guest finds here stands in
// the device table of its info page; nothing of it is fixed for the guest.

import type { Placement } from '../../../devices/bus/index.ts';
import { Checkpoint, type CheckpointOptions } from '../../../devices/checkpoint/index.ts';
import { VirtualCmdqv } from '../../../devices/cmdqv/index.ts';
import { DmaEngine } from '../../../devices/dma-engine/index.ts';
import { Pl011 } from '../../../devices/pl011/index.ts';
import {
  ENHANCED_GUEST_ID_REGISTERS,
  GUEST_ID_REGISTERS,
  VirtualSmmu,
} from '../../../devices/smmuv3/index.ts';
import type { Vm } from '../../../host/kernel/index.ts';
import { MachineCore, type MachineCoreOptions } from '../../machine/index.ts';
import type { LentVintf, NestedSmmu, VmHost } from '../../nested/index.ts';
import {
  type DirectContext,
  type ExitServer,
  VcpuThreads,
  type VcpuUnits,
} from '../../threads/index.ts';
import {
  createGuestMemory,
  createWasmerWasi,
  type GuestImage,
  ramRegions,
} from '../../vcpu/wasm/index.ts';

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
export const TOY_BOARD_DEVICES = 5;
/** Where further devices may lie: gpa from here up to RAM, and interrupt lines from here on. */
export const FREE_GPA = 0x10000000;
export const FREE_IRQ = 16;

/** StreamID of the DMA engine, as the guest numbers it. */
const DMA_STREAM = 8;

/** Queues of a guest's direct path: VCMDQs of a CMDQV, or ECMDQs of the SMMU itself. */
export type Queues = 'vcmdq' | 'ecmdq';

export interface ToyBoardOptions
  extends Pick<
    MachineCoreOptions,
    | 'args'
    | 'env'
    | 'clock'
    | 'random'
    | 'readInput'
    | 'instantiate'
    | 'directMaps'
    | 'onTrace'
    | 'vcpus'
    | 'secondary'
  > {
  readonly host: VmHost;
  readonly name: string;
  /** Index among the machines of the host, from 0. */
  readonly index: number;
  readonly image: GuestImage;
  /** Pages of 64 KiB, default as many as the guest asks for. */
  readonly memoryPages?: number;
  /** Console output: of the guest's program, and of the UART. */
  onOutput(bytes: Uint8Array<ArrayBuffer>): void;
  readonly checkpoint?: CheckpointOptions;
  /** Serves the exits of vCPUs that have threads of their own. Default: the guest runs inline. */
  readonly exits?: ExitServer | undefined;
  /** Where vcpu-worker.js lies. Default: beside the code that starts it. */
  readonly workerUrl?: string | URL | undefined;
  /** The overlay path: no CMDQV on the board, and the guest rings its SMMU's one CMDQ without an exit. */
  readonly overlay?: boolean;
  /** The guest's SMMU takes part in the broadcast TLB maintenance of its vCPUs (IDR0.BTM), where the host's does. */
  readonly btm?: boolean;
  /** `ecmdq`: no CMDQV on the board; the SMMU has ECMDQs instead. Default `vcmdq`. */
  readonly queues?: Queues;
  /** Further devices. */
  readonly devices?: readonly Placement[];
}

/** A machine on this board, and what its host has given it. */
export interface ToyMachine {
  readonly machine: MachineCore;
  readonly vm: Vm;
  readonly viommu: NestedSmmu;
  readonly vintf: LentVintf;
  readonly uart: Pl011;
  /** What the guest's direct path consists of. */
  readonly queues: Queues;
  /** What the guest rings, on each of its SMMUs. */
  readonly direct: readonly DirectContext[];
  /** The guest runs on the caller's thread. */
  readonly inline: boolean;
  /** Gives everything back to the host. */
  destroy(): void;
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

/** A unit for each vCPU thread: the drain behind its guest's doorbells. */
function vcpuUnits(host: VmHost, { memory, regions, window }: Vm): VcpuUnits {
  const { modules, memory: hostMemory } = host;
  return {
    allocate: () => ({
      modules,
      hostMemory,
      guest: { memory, regions, window },
      thread: host.allocateThread(),
    }),
    free: ({ thread }) => host.freeThread(thread),
  };
}

/**
 * Builds a machine; `machine.boot` starts it.
 * @throws {HostError} when the host has nothing left to lend.
 */
export function createToyMachine(options: ToyBoardOptions): ToyMachine {
  const {
    host,
    name,
    index,
    image,
    memoryPages,
    checkpoint = NO_CHECKPOINT,
    devices = [],
  } = options;
  const { overlay = false, btm = false, queues = 'vcmdq' } = options;
  const idRegisters = queues === 'ecmdq' ? ENHANCED_GUEST_ID_REGISTERS : GUEST_ID_REGISTERS;
  const memory = createGuestMemory(image, memoryPages);
  const regions = ramRegions(memory, TOY_RAM_GPA_BASE);
  const vm = host.createVm(name, memory, regions);
  try {
    const viommu = host.createViommu(vm, [DMA_STREAM], { cmdqv: true, overlay, btm });
    const vintf = host.createVintf(viommu);
    const uart = new Pl011({ onOutput: (bytes) => options.onOutput(bytes) });
    const machine = new MachineCore({
      ...options,
      memory,
      regions,
      index,
      ramGpaBase: TOY_RAM_GPA_BASE,
      wasi: createWasmerWasi,
      drain: vm.unit.drain,
      onVcpu: (vcpu, runs) => host.vcpuRuns(vm, vcpu, runs),
      transport:
        options.exits && new VcpuThreads(options.exits, vcpuUnits(host, vm), options.workerUrl),
      onOutput: (_stream, bytes) => options.onOutput(bytes),
      onSafePoint: (full) => host.service(full),
      devices: [
        { device: uart, addresses: [PL011_GPA], firstIrq: PL011_IRQ },
        {
          device: new VirtualSmmu({ backend: viommu, idRegisters }),
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
        ...devices,
      ],
    });
    vm.onStop((reason) => machine.stop(reason));
    return {
      machine,
      vm,
      viommu,
      vintf,
      uart,
      queues,
      direct: [directContext(viommu, vintf, queues)],
      inline: !options.exits,
      destroy() {
        machine.detachDevices();
        host.destroyVm(vm);
      },
    };
  } catch (error) {
    host.destroyVm(vm);
    throw error;
  }
}
