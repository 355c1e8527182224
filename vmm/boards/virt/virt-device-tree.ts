// SPDX-License-Identifier: MIT
// The device tree of the board `virt`, with nodes for its devices as Linux's drivers
// expect them. Bindings are those of Linux's Documentation/devicetree/bindings.

import { GICD_SIZE, GICR_SIZE } from '../../../assembly/layout/gic-registers.ts';
import {
  TIMER_INTID_HYPERVISOR,
  TIMER_INTID_PHYSICAL,
  TIMER_INTID_SECURE,
  TIMER_INTID_VIRTUAL,
} from '../../../assembly/layout/timer-control.ts';
import type { Placement } from '../../../devices/bus/index.ts';
import { GicIts } from '../../../devices/gicv3/index.ts';
import {
  type Cell,
  cells64,
  type DeviceTreeNode,
  type PropertyValue,
  type RamRange,
} from '../../boot/index.ts';
import { affinityOf } from './affinity.ts';
import { VIRT_GICD, VIRT_GICR, VIRT_SMMU_DEVICE_ID } from './virt-memory-map.ts';
import { PCIE_REQUESTER_IDS, pcieNode } from './virt-pcie.ts';

/** Properties of /chosen. */
export interface ChosenOptions {
  readonly bootargs: string;
  /** gpa of its first byte, and after its last one. */
  readonly initrd?: { readonly gpa: number; readonly end: number } | undefined;
  /**
   * Seeds the kernel's random number generator, which otherwise waits for jitter. 64
   * random bytes, or constant ones in a deterministic machine.
   */
  readonly rngSeed: Uint8Array;
  /** 8 bytes from which the kernel chooses its addresses; zeros disable that. */
  readonly kaslrSeed: Uint8Array;
}

/**
 * A device whose DMA goes through the SMMU: its place, and its StreamID as numbered by
 * the kernel.
 */
export interface BusMaster {
  readonly placement: Placement;
  readonly streamId: number;
}

/** The devices of a machine. */
export interface VirtTreeOptions {
  readonly vcpus: number;
  readonly ram: RamRange;
  readonly chosen: ChosenOptions;
  readonly uart: Placement;
  readonly rtc: Placement;
  /**
   * The guest's SMMU: its lines are event queue, global errors and, if it exists, PRI
   * queue.
   */
  readonly smmu?: Placement | undefined;
  /** The CMDQV of that SMMU. */
  readonly cmdqv?: Placement | undefined;
  /** The DMA engine of that SMMU. */
  readonly dmaEngine?: BusMaster | undefined;
  /** Disks of that SMMU. */
  readonly disks?: readonly BusMaster[];
  /** A virtio console that no SMMU translates. */
  readonly testdev?: Placement | undefined;
  /** The PCIe host bridge, whose functions use that SMMU. */
  readonly pcie?: Placement | undefined;
  /** An ITS or a GICv2m frame, the target of MSIs of SMMU and bus masters. */
  readonly msiDevice?: Placement | undefined;
  /** Further devices, without a known driver: a driver may be bound by hand. */
  readonly devices?: readonly Placement[];
}

/** Clock of the AMBA devices. */
const APB_HZ = 24000000;

const GIC_SPI = 0;
const GIC_PPI = 1;
/** Flags of an interrupt (bindings/interrupt-controller/interrupts.txt). */
const EDGE_RISING = 1;
const LEVEL_HIGH = 4;

const gpaOf = ({ addresses }: Placement) => addresses[0] ?? 0;

/** Address and size of a placement's regions. */
function regOf({ device, addresses }: Placement): readonly Cell[] {
  return device.regions.flatMap(({ size }, i) => [...cells64(addresses[i] ?? 0), ...cells64(size)]);
}

function interruptsOf({ device, firstIrq = 0 }: Placement, flags: number): readonly Cell[] {
  return Array.from({ length: device.identity.interrupts }, (_, i) => [
    GIC_SPI,
    firstIrq + i,
    flags,
  ]).flat();
}

function chosenNode({ bootargs, initrd, rngSeed, kaslrSeed }: ChosenOptions): DeviceTreeNode {
  const initrdProperties: Record<string, PropertyValue> = initrd
    ? {
        'linux,initrd-start': cells64(initrd.gpa),
        'linux,initrd-end': cells64(initrd.end),
      }
    : {};
  return {
    name: 'chosen',
    properties: {
      bootargs,
      'stdout-path': 'serial0:115200n8',
      ...initrdProperties,
      'rng-seed': rngSeed,
      'kaslr-seed': kaslrSeed,
    },
  };
}

function cpusNode(vcpus: number): DeviceTreeNode {
  return {
    name: 'cpus',
    properties: { '#address-cells': [1], '#size-cells': [0] },
    nodes: Array.from({ length: vcpus }, (_, vcpu) => ({
      name: `cpu@${affinityOf(vcpu).toString(16)}`,
      properties: {
        device_type: 'cpu',
        compatible: 'arm,armv8',
        reg: [affinityOf(vcpu)],
        'enable-method': 'psci',
      },
    })),
  };
}

function timerNode(): DeviceTreeNode {
  // Secure, physical, virtual, hypervisor: the binding's order. A PPI's number is INTID -
  // 16.
  const intids = [
    TIMER_INTID_SECURE,
    TIMER_INTID_PHYSICAL,
    TIMER_INTID_VIRTUAL,
    TIMER_INTID_HYPERVISOR,
  ];
  return {
    name: 'timer',
    properties: {
      compatible: 'arm,armv8-timer',
      interrupts: intids.flatMap((intid) => [GIC_PPI, intid - 16, LEVEL_HIGH]),
      // Without it, Linux uses a broadcast timer in idle.
      'always-on': true,
    },
  };
}

/** The target of MSIs, as a child node of the GIC. A DeviceID of an ITS is one cell. */
function msiNode(placement: Placement): DeviceTreeNode {
  const isIts = placement.device instanceof GicIts;
  return {
    name: `${isIts ? 'msi-controller' : 'v2m'}@${gpaOf(placement).toString(16)}`,
    label: 'msi',
    properties: {
      compatible: isIts ? 'arm,gic-v3-its' : 'arm,gic-v2m-frame',
      'msi-controller': true,
      ...(isIts ? { '#msi-cells': [1] } : {}),
      reg: regOf(placement),
    },
  };
}

/** Target of a device's MSIs. */
function msiParent(
  msiDevice: Placement | undefined,
  deviceId: number,
): Record<string, PropertyValue> {
  if (!msiDevice) return {};
  const isIts = msiDevice.device instanceof GicIts;
  return { 'msi-parent': [{ label: 'msi' }, ...(isIts ? [deviceId] : [])] };
}

/** Target of the MSIs of PCIe functions: a DeviceID is a requester ID. */
function msiMap(msiDevice: Placement | undefined): Record<string, PropertyValue> {
  if (!msiDevice) return {};
  return msiDevice.device instanceof GicIts
    ? { 'msi-map': [0, { label: 'msi' }, 0, PCIE_REQUESTER_IDS] }
    : { 'msi-parent': [{ label: 'msi' }] };
}

function gicNode(vcpus: number, msiDevice: Placement | undefined): DeviceTreeNode {
  return {
    name: `interrupt-controller@${VIRT_GICD.toString(16)}`,
    label: 'gic',
    properties: {
      compatible: 'arm,gic-v3',
      'interrupt-controller': true,
      '#interrupt-cells': [3],
      '#address-cells': [2],
      '#size-cells': [2],
      ranges: true,
      reg: [
        ...cells64(VIRT_GICD),
        ...cells64(GICD_SIZE),
        ...cells64(VIRT_GICR),
        ...cells64(GICR_SIZE * vcpus),
      ],
    },
    nodes: msiDevice ? [msiNode(msiDevice)] : [],
  };
}

/** A device of the AMBA bus. All its clocks are the only one that exists. */
function ambaNode(name: string, placement: Placement, clocks: readonly string[]): DeviceTreeNode {
  return {
    name: `${name}@${gpaOf(placement).toString(16)}`,
    properties: {
      compatible: [`arm,${name}`, 'arm,primecell'],
      reg: regOf(placement),
      interrupts: interruptsOf(placement, LEVEL_HIGH),
      clocks: clocks.map(() => ({ label: 'apb' })),
      'clock-names': clocks,
    },
  };
}

/**
 * Interrupts of SMMU and CMDQV are pulses, so they must be edge-triggered. With an MSI
 * parent Linux uses MSIs of the SMMU, and not the wires.
 */
function smmuNode(
  smmu: Placement,
  cmdqv: Placement | undefined,
  msiDevice: Placement | undefined,
): DeviceTreeNode {
  const names = ['eventq', 'gerror', 'priq'].slice(0, smmu.device.identity.interrupts);
  const compatible = cmdqv ? ['nvidia,tegra264-smmu', 'arm,smmu-v3'] : ['arm,smmu-v3'];
  const companion: Record<string, PropertyValue> = cmdqv
    ? { 'nvidia,cmdqv': [{ label: 'cmdqv' }] }
    : {};
  return {
    name: `iommu@${gpaOf(smmu).toString(16)}`,
    label: 'smmu',
    properties: {
      compatible,
      reg: regOf(smmu),
      interrupts: interruptsOf(smmu, EDGE_RISING),
      'interrupt-names': names,
      '#iommu-cells': [1],
      'dma-coherent': true,
      ...companion,
      ...msiParent(msiDevice, VIRT_SMMU_DEVICE_ID),
    },
  };
}

function cmdqvNode(cmdqv: Placement): DeviceTreeNode {
  return {
    name: `cmdqv@${gpaOf(cmdqv).toString(16)}`,
    label: 'cmdqv',
    properties: {
      compatible: 'nvidia,tegra264-cmdqv',
      reg: regOf(cmdqv),
      interrupts: interruptsOf(cmdqv, EDGE_RISING),
    },
  };
}

/** A device of this project, for which the kernel has no driver. */
function ownNode(placement: Placement, more: Record<string, PropertyValue> = {}): DeviceTreeNode {
  const { name } = placement.device;
  const interrupts = interruptsOf(placement, EDGE_RISING);
  return {
    name: `${name}@${gpaOf(placement).toString(16)}`,
    properties: {
      compatible: `vsmmu,${name}`,
      reg: regOf(placement),
      ...(interrupts.length > 0 ? { interrupts } : {}),
      'dma-coherent': true,
      ...more,
    },
  };
}

/** @param streamId behind the SMMU. Undefined: its addresses are physical ones. */
function virtioNode(placement: Placement, streamId?: number): DeviceTreeNode {
  return {
    name: `virtio_mmio@${gpaOf(placement).toString(16)}`,
    properties: {
      compatible: 'virtio,mmio',
      reg: regOf(placement),
      interrupts: interruptsOf(placement, LEVEL_HIGH),
      'dma-coherent': true,
      ...(streamId === undefined ? {} : { iommus: [{ label: 'smmu' }, streamId] }),
    },
  };
}

/** The device tree of a machine. */
export function virtDeviceTree(options: VirtTreeOptions): DeviceTreeNode {
  const {
    vcpus,
    ram,
    chosen,
    uart,
    rtc,
    smmu,
    cmdqv,
    dmaEngine,
    disks = [],
    testdev,
    pcie,
    devices = [],
    msiDevice,
  } = options;
  return {
    name: '',
    properties: {
      '#address-cells': [2],
      '#size-cells': [2],
      model: 'vsmmu virt',
      compatible: ['vsmmu,virt', 'linux,dummy-virt'],
      'interrupt-parent': [{ label: 'gic' }],
      'dma-coherent': true,
    },
    nodes: [
      { name: 'aliases', properties: { serial0: `/pl011@${gpaOf(uart).toString(16)}` } },
      chosenNode(chosen),
      {
        name: `memory@${ram.base.toString(16)}`,
        properties: {
          device_type: 'memory',
          reg: [...cells64(ram.base), ...cells64(ram.size)],
        },
      },
      cpusNode(vcpus),
      {
        name: 'psci',
        properties: { compatible: ['arm,psci-1.0', 'arm,psci-0.2'], method: 'hvc' },
      },
      timerNode(),
      gicNode(vcpus, msiDevice),
      {
        name: 'apb-pclk',
        label: 'apb',
        properties: {
          compatible: 'fixed-clock',
          '#clock-cells': [0],
          'clock-frequency': [APB_HZ],
          'clock-output-names': 'clk24mhz',
        },
      },
      ambaNode('pl011', uart, ['uartclk', 'apb_pclk']),
      ambaNode('pl031', rtc, ['apb_pclk']),
      ...(smmu ? [smmuNode(smmu, cmdqv, msiDevice)] : []),
      ...(cmdqv ? [cmdqvNode(cmdqv)] : []),
      ...(dmaEngine
        ? [
            ownNode(dmaEngine.placement, {
              iommus: [{ label: 'smmu' }, dmaEngine.streamId],
              ...msiParent(msiDevice, dmaEngine.streamId),
            }),
          ]
        : []),
      ...disks.map(({ placement, streamId }) => virtioNode(placement, streamId)),
      ...(testdev ? [virtioNode(testdev)] : []),
      ...(pcie ? [pcieNode(pcie, msiMap(msiDevice))] : []),
      ...devices.map((placement) => ownNode(placement)),
    ],
  };
}
