// SPDX-License-Identifier: MIT
// An SMMU of the standard board with its CMDQV, a DMA engine that it translates for, and
// further bus masters.

import { ABI_MAX_SMMUS } from '../../../assembly/layout/guest-abi.ts';
import { IDR0_BTM } from '../../../assembly/layout/smmu-registers.ts';
import type { Placement } from '../../../devices/bus/index.ts';
import { VirtualCmdqv } from '../../../devices/cmdqv/index.ts';
import { DmaEngine } from '../../../devices/dma-engine/index.ts';
import { bitsOf } from '../../../devices/plugin/index.ts';
import {
  guestIdRegisters,
  type SmmuIdRegisters,
  VirtualSmmu,
} from '../../../devices/smmuv3/index.ts';
import type { Vm } from '../../../host/kernel/index.ts';
import type { LentVintf, NestedSmmu } from '../../nested/index.ts';
import type { DirectContext } from '../../threads/index.ts';
import type { BoardOptions, Queues } from '../board.ts';
import type { BoardHost } from '../board-host.ts';

/** Places and interrupt lines of an SMMU's devices. */
interface SmmuPlace {
  readonly smmu: number;
  readonly cmdqv: number;
  readonly dma: number;
  /**
   * Event queue; the global error interrupt follows, then the CMDQV's and the DMA
   * engine's.
   */
  readonly irq: number;
}

const FIRST: SmmuPlace = { smmu: 0x09050000, cmdqv: 0x0a000000, dma: 0x09200000, irq: 2 };
const FURTHER: SmmuPlace = { smmu: 0x0b000000, cmdqv: 0x0b100000, dma: 0x0b300000, irq: 116 };
/** Distance between the further SMMUs. */
const STRIDE = { gpa: 0x400000, irqs: 4 } as const;

/**
 * StreamID of the DMA engine, as numbered by the guest at each SMMU; those of further bus
 * masters follow.
 */
const DMA_STREAM = 8;

function placeOf(number: number): SmmuPlace {
  if (number === 0) return FIRST;
  const gpa = (number - 1) * STRIDE.gpa;
  const { smmu, cmdqv, dma, irq } = FURTHER;
  const lines = (number - 1) * STRIDE.irqs;
  return { smmu: smmu + gpa, cmdqv: cmdqv + gpa, dma: dma + gpa, irq: irq + lines };
}

const needsPort = ({ device, dmaPort }: Placement) => device.identity.busMaster && !dmaPort;

/** Common options of a machine's SMMUs. */
export interface ToySmmuOptions {
  readonly host: BoardHost;
  readonly vm: Vm;
  /** Numbers of the host's SMMUs that they are nested in. */
  readonly behind: readonly number[];
  readonly overlay: boolean;
  /** Default: like the host's SMMU. */
  readonly btm: boolean | undefined;
  readonly queues: Queues;
  readonly idRegisters: 'auto' | SmmuIdRegisters;
  /** Called with the reasons why an SMMU refused streams. */
  readonly onRefusal: BoardOptions['onRefusal'];
  /** Devices in addition to those of the board. */
  readonly devices: readonly Placement[];
}

/** One of a machine's SMMUs. */
export interface ToySmmu {
  readonly smmu: NestedSmmu;
  readonly vintf: LentVintf;
  /** SMMU, CMDQV and DMA engine. */
  readonly own: readonly Placement[];
  readonly direct: DirectContext;
}

/**
 * On the overlay path the doorbell belongs to the vIOMMU's one CMDQ, which is not a queue
 * of the direct path.
 */
function directContext(smmu: NestedSmmu, vintf: LentVintf, queues: Queues): DirectContext {
  const { smmuBlock, context, enhancedQueues } = smmu;
  if (smmu.overlay) return { smmuBlock, context, queues: [] };
  if (queues === 'ecmdq')
    return { smmuBlock, context, queues: enhancedQueues.map(({ block }) => block) };
  return { smmuBlock, context: vintf.context, queues: vintf.queues };
}

/** @param streams of the bus masters other than the DMA engine. */
function createSmmu(options: ToySmmuOptions, number: number, streams: readonly number[]): ToySmmu {
  const { host, vm, behind, overlay, queues, idRegisters } = options;
  const physical = behind[number] ?? 0;
  const { btm = bitsOf(host.smmus[physical]?.idRegisters.idr0 ?? 0, IDR0_BTM) !== 0 } = options;
  const smmu = host.createViommu(vm, [DMA_STREAM, ...streams], {
    cmdqv: true,
    overlay,
    // The first vIOMMU is the one whose stage 2 has the VMID of the vCPUs.
    btm: btm && number === 0,
    smmu: physical,
  });
  const vintf = host.createVintf(smmu);
  const shown =
    idRegisters === 'auto'
      ? guestIdRegisters(smmu.hostIdRegisters, { enhancedQueues: queues === 'ecmdq' })
      : idRegisters;
  const place = placeOf(number);
  // The first has the same name as the only SMMU of other machines.
  const named = (name: string) => (number === 0 ? name : `${name}-${number}`);
  const at = (device: Placement['device'], gpa: number, line: number): Placement => ({
    device,
    addresses: [gpa],
    firstIrq: place.irq + line,
    smmu: number,
  });
  const hasCmdqv = !overlay && queues === 'vcmdq';
  const own = [
    at(
      new VirtualSmmu({
        backend: smmu,
        idRegisters: shown,
        name: named('smmuv3'),
        onRefusal: options.onRefusal,
      }),
      place.smmu,
      0,
    ),
    ...(hasCmdqv
      ? [at(new VirtualCmdqv({ backend: vintf, name: named('cmdqv') }), place.cmdqv, 2)]
      : []),
    {
      ...at(new DmaEngine(named('dma-engine')), place.dma, 3),
      dmaPort: host.dmaPort(smmu, DMA_STREAM),
    },
  ];
  return { smmu, vintf, own, direct: directContext(smmu, vintf, queues) };
}

/**
 * The SMMUs of a machine, and its further devices. Each bus master without a DMA port
 * gets one: a stream of the SMMU that its place names.
 * @throws {RangeError} when there are too many SMMUs, or a device names one that does not
 *   exist.
 * @throws {HostError} when the host has run out of something that it lends.
 */
export function createToySmmus(options: ToySmmuOptions): {
  readonly smmus: readonly ToySmmu[];
  readonly devices: readonly Placement[];
} {
  const { host, behind, devices } = options;
  if (behind.length > ABI_MAX_SMMUS)
    throw new RangeError(`a machine of the standard board has 1 to ${ABI_MAX_SMMUS} SMMUs`);
  const streams: number[][] = behind.map(() => []);
  const wanted = devices.map((placement) => {
    const { device, smmu = 0 } = placement;
    const of = streams[smmu];
    if (!of)
      throw new RangeError(
        `device ${device.name}: the machine has no SMMU ${smmu}: it has ${behind.length}`,
      );
    const stream = needsPort(placement) ? DMA_STREAM + 1 + of.length : undefined;
    if (stream !== undefined) of.push(stream);
    return { placement, smmu, stream };
  });
  const smmus = streams.map((own, number) => createSmmu(options, number, own));
  return {
    smmus,
    devices: wanted.map(({ placement, smmu, stream }) => {
      const lent = smmus[smmu];
      if (stream === undefined || !lent) return placement;
      return { ...placement, dmaPort: host.dmaPort(lent.smmu, stream, placement.requesterId) };
    }),
  };
}
