// SPDX-License-Identifier: MIT
// An SMMUv3 with CMDQV, and a DMA engine that it translates for, for guests of v86: x86
// guests that drive an Arm IOMMU, as the IOMMU is what is demonstrated.

import { CMDQV_LOGICAL_PAGE0 } from '../../assembly/layout/cmdqv-registers.ts';
import { checkPlacementList, offsetOfGpa, type Placement } from '../../devices/bus/index.ts';
import { VirtualCmdqv } from '../../devices/cmdqv/index.ts';
import { DmaEngine } from '../../devices/dma-engine/index.ts';
import type { MachineError } from '../../devices/plugin/index.ts';
import {
  callback,
  checkedLater,
  checkOptions,
  instanceOf,
  integerFrom,
  nonEmpty,
  type OptionKinds,
  objectOf,
  uint32,
} from '../../devices/plugin/option-kinds.ts';
import { VirtualSmmu } from '../../devices/smmuv3/index.ts';
import type { Vm } from '../../host/kernel/index.ts';
import { type Host, UseError } from '../api/index.ts';
import { hostModelOf, type LentVintf, type NestedSmmu } from '../nested/index.ts';
import { loopOf, V86_IRQS } from './emulator.ts';
import { v86MsiController } from './msi-controller.ts';
import { type Plugged, plugDevices, type ReservedRam } from './plug.ts';
import { v86Regions } from './ram.ts';
import { reserveBacking, V86_BLOCK } from './taken-ranges.ts';

/** Offsets of the devices in their window. */
export const V86_SMMU = 0;
/** Offset of the CMDQV in V86_WINDOW. */
export const V86_CMDQV = 0x20000;
/** Offset of the DMA engine in V86_WINDOW. */
export const V86_DMA = 0x80000;
/**
 * Size of the devices in the window; other devices may follow up to the next multiple of
 * V86_BLOCK.
 */
export const V86_WINDOW = 5 * V86_BLOCK;
/** StreamID of the DMA engine, as numbered by the guest. */
export const V86_DMA_STREAM = 8;
/** Size of a VINTF's page 0 in bytes. */
const PAGE0_SIZE = 0x10000;

/** Places of the SMMU, the CMDQV and the DMA engine in the emulated PC. */
export interface V86SmmuOptions {
  /** From `Host.create`: it lends the VINTF. Destroy the attached devices before it. */
  readonly host: Host;
  /** Name in messages. Default `v86`. */
  readonly name?: string;
  /** gpa of the devices, a multiple of V86_BLOCK above RAM. Default 0xd0000000. */
  readonly gpa?: number;
  /**
   * gpa of 64 KiB of RAM that the guest keeps free: page 0 of its VINTF is mapped there
   * too, and the guest uses it there without an exit.
   */
  readonly page0: number;
  /**
   * IRQs, 0 to 15: of the event queue, with that of global errors next to it, of the
   * CMDQV and of the DMA engine.
   */
  readonly irqs: { readonly smmu: number; readonly cmdqv: number; readonly dma: number };
  /**
   * IRQs by the vectors that the guest assigns to them. MSIs to V86_MSI then raise these:
   * those of the SMMU, and 32-bit writes of the DMA engine, which the SMMU translates.
   * Default: MSIs are stores to RAM.
   */
  readonly msiVectors?: ReadonlyMap<number, number>;
  /** More devices, at addresses in the window. */
  readonly devices?: readonly Placement[];
  /**
   * A device has failed outside the guest. The devices stay attached and do nothing any
   * more.
   */
  readonly onFailure?: (error: MachineError) => void;
}

const IRQ = integerFrom(0, V86_IRQS - 1);
const IRQS: OptionKinds<V86SmmuOptions['irqs']> = {
  smmu: IRQ,
  cmdqv: IRQ,
  dma: IRQ,
};
const OPTIONS: OptionKinds<V86SmmuOptions> = {
  host: checkedLater,
  name: nonEmpty,
  gpa: uint32,
  page0: uint32,
  irqs: objectOf<V86SmmuOptions['irqs']>(IRQS, ['smmu', 'cmdqv', 'dma']),
  msiVectors: instanceOf(Map, 'a Map from vectors to IRQs'),
  devices: checkedLater,
  onFailure: callback,
};

/** @throws {RangeError} when the devices cannot be placed there in any PC. */
function checkWindow(gpa: number, ram: number): void {
  const least = Math.ceil(ram / V86_BLOCK) * V86_BLOCK;
  const most = 2 ** 32 - V86_WINDOW;
  if (gpa % V86_BLOCK || gpa < least || gpa > most) {
    const hex = (value: number) => `0x${value.toString(16)}`;
    throw new RangeError(
      `plugSmmu: gpa must be a multiple of ${hex(V86_BLOCK)} from ${hex(least)}, where RAM ends, ` +
        `to ${hex(most)}, not ${hex(gpa)}`,
    );
  }
}

/** The attached devices, and what the host has lent them. */
export interface V86Smmu extends Plugged {
  readonly vm: Vm;
  readonly viommu: NestedSmmu;
  readonly vintf: LentVintf;
  /** Detaches the devices and returns everything to the host. */
  destroy(): void;
}

/**
 * Attaches the devices to an emulator. The VCMDQs are drained after each of v86's ticks,
 * about a thousand times a second.
 * @param emulator An instance of v86's class `V86`, after its event "emulator-loaded".
 * @throws {TypeError} when it is something else, the host is not a host, or an option is
 *   unknown or has the wrong type.
 * @throws {RangeError} when an address or an IRQ does not fit.
 * @throws {HostError} when the host has run out of something that it lends.
 */
export function plugSmmu(emulator: object, options: V86SmmuOptions): V86Smmu {
  checkOptions(options, OPTIONS, 'plugSmmu', ['page0', 'irqs']);
  const host = hostModelOf(options.host);
  if (options.host.destroyed) throw new UseError('destroyed', 'the host is destroyed');
  if (options.devices !== undefined) checkPlacementList(options.devices, 'plugSmmu: devices');
  const { name = 'v86', gpa = 0xd0000000, page0, irqs, devices = [], onFailure } = options;
  const { cpu } = loopOf(emulator);
  checkWindow(gpa, cpu.mem8.length);
  if (irqs.smmu + 1 >= V86_IRQS)
    throw new RangeError(
      `plugSmmu: irqs.smmu must be an integer from 0 to ${V86_IRQS - 2}, not ${irqs.smmu}: ` +
        'the next IRQ is that of global errors',
    );
  const msis = options.msiVectors && v86MsiController(cpu, options.msiVectors);
  const regions = v86Regions(cpu);
  if (page0 % 0x1000 || offsetOfGpa(regions, page0, PAGE0_SIZE) < 0)
    throw new RangeError(
      `plugSmmu: page0 must be 64 KiB of RAM at a multiple of 4 KiB, not 0x${page0.toString(16)}`,
    );
  const reservedRam: ReservedRam = (range) =>
    range.gpa === gpa + V86_CMDQV + CMDQV_LOGICAL_PAGE0 ? page0 : undefined;
  const backing = { name: `page0 of ${name}`, gpa: page0, size: PAGE0_SIZE };
  const releaseRam = reserveBacking(cpu, backing, reservedRam);
  let vm: Vm | undefined;
  try {
    vm = host.createVm(name, cpu.wasm_memory, regions, { msis });
    const viommu = host.createViommu(vm, [V86_DMA_STREAM], { cmdqv: true });
    const vintf = host.createVintf(viommu);
    const { drain } = vm.unit;
    const plugged = plugDevices(emulator, {
      window: { gpa, size: V86_WINDOW },
      msis,
      reservedRam,
      devices: [
        {
          device: new VirtualSmmu({ backend: viommu }),
          addresses: [gpa + V86_SMMU],
          firstIrq: irqs.smmu,
        },
        {
          device: new VirtualCmdqv({ backend: vintf }),
          addresses: [gpa + V86_CMDQV],
          firstIrq: irqs.cmdqv,
        },
        {
          device: new DmaEngine(),
          addresses: [gpa + V86_DMA],
          firstIrq: irqs.dma,
          dmaPort: host.dmaPort(viommu, V86_DMA_STREAM),
        },
        ...devices,
      ],
      onTick: () => {
        drain.serveContext(viommu.smmuBlock, vintf.context.index);
        host.service(true);
      },
      ...(onFailure && { onFailure }),
    });
    const { unplug: unplugDevices } = plugged;
    const unplug = () => {
      unplugDevices();
      releaseRam();
    };
    vm.onStop(unplug);
    const plugs = { vm, viommu, vintf };
    return Object.assign(plugged, {
      ...plugs,
      unplug,
      destroy() {
        unplug();
        host.destroyVm(plugs.vm);
      },
    });
  } catch (error) {
    releaseRam();
    if (vm) host.destroyVm(vm);
    throw error;
  }
}
