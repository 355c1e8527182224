// SPDX-License-Identifier: MIT
// A virtio device over MMIO (virtio 1.2, section 4.2): its registers and its interrupt
// line. Rings and buffers are IOVAs: every access goes through the IOMMU, where its DMA
// port has one.

import {
  type Device,
  type DeviceHost,
  type DeviceState,
  type InterruptLine,
  type MmioAccess,
  PLUGIN_INTERFACE_VERSION,
  stateFields,
  unnamedRegister,
} from '../plugin/index.ts';
import { checkOptions, flag, nonEmpty, type OptionKinds } from '../plugin/option-kinds.ts';
import { checkVirtioFunction } from './given-function.ts';
import { LegacyQueues } from './legacy-queues.ts';
import { VIRTIO_INTERRUPT_CONFIG, VIRTIO_INTERRUPT_USED } from './virtio-bits.ts';
import { VirtioCore } from './virtio-core.ts';
import type { VirtioFunction } from './virtio-function.ts';
import {
  VIRTIO_CONFIG,
  VIRTIO_DEVICE_FEATURES,
  VIRTIO_DEVICE_FEATURES_SEL,
  VIRTIO_DEVICE_ID,
  VIRTIO_DRIVER_FEATURES,
  VIRTIO_DRIVER_FEATURES_SEL,
  VIRTIO_INTERRUPT_ACK,
  VIRTIO_INTERRUPT_STATUS,
  VIRTIO_MAGIC,
  VIRTIO_MAGIC_VALUE,
  VIRTIO_MMIO_NAMES,
  VIRTIO_MMIO_REGION_SIZE,
  VIRTIO_QUEUE_DESC,
  VIRTIO_QUEUE_DEVICE,
  VIRTIO_QUEUE_DRIVER,
  VIRTIO_QUEUE_NOTIFY,
  VIRTIO_QUEUE_NUM,
  VIRTIO_QUEUE_NUM_MAX,
  VIRTIO_QUEUE_READY,
  VIRTIO_QUEUE_SEL,
  VIRTIO_SHM_LEN,
  VIRTIO_STATUS,
  VIRTIO_VENDOR_ID,
  VIRTIO_VENDOR_VALUE,
  VIRTIO_VERSION,
  VIRTIO_VERSION_LEGACY,
  VIRTIO_VERSION_VALUE,
} from './virtio-mmio-registers.ts';

const KIND = 0x6f697276; // "viro"
const ALL = 0xffffffff;

/** How a driver sees a `VirtioMmio`. */
export interface VirtioMmioOptions {
  /**
   * The legacy interface, the only one that old and small drivers know (kvm-unit-tests):
   * its queues have no version 1 features, and their addresses are physical, for a device
   * that no IOMMU translates. The device must support it: a block device, console or
   * entropy device does, a network device does not. Default false.
   */
  readonly legacy?: boolean;
}

const OPTIONS: OptionKinds<VirtioMmioOptions> = { legacy: flag };

/**
 * A virtio device with memory-mapped registers: split queues, and version 2 with
 * addresses translated by the IOMMU, or, with `legacy`, version 1 with physical
 * addresses.
 */
export class VirtioMmio implements Device {
  readonly name: string;
  readonly interfaceVersion = PLUGIN_INTERFACE_VERSION;
  readonly identity = { kind: KIND, interrupts: 1, busMaster: true };
  readonly regions = [
    { name: 'virtio-mmio', size: VIRTIO_MMIO_REGION_SIZE, accessSizes: [1, 2, 4] as const },
  ];
  readonly #deviceId: number;
  readonly #core: VirtioCore;
  /** Undefined: its interface is that of version 2. */
  readonly #legacy: LegacyQueues | undefined;
  #line: InterruptLine | undefined;

  /**
   * @param name unique in a machine.
   * @throws {TypeError} when the device is not one, an option is unknown, or `legacy` is
   *   set for a device that does not support it.
   */
  constructor(name: string, device: VirtioFunction, options: VirtioMmioOptions = {}) {
    nonEmpty(name, 'VirtioMmio', 'name');
    checkVirtioFunction(device, 'VirtioMmio');
    checkOptions(options, OPTIONS, 'VirtioMmio');
    const { legacy = false } = options;
    if (legacy && !device.supportsLegacy)
      throw new TypeError('VirtioMmio: the device does not support the legacy interface');
    this.name = name;
    this.#deviceId = device.deviceId;
    const notifications = {
      used: () => this.#interrupt(VIRTIO_INTERRUPT_USED),
      configChanged: () => this.#interrupt(VIRTIO_INTERRUPT_CONFIG),
    };
    this.#core = new VirtioCore(device, notifications, legacy);
    this.#legacy = legacy ? new LegacyQueues(this.#core) : undefined;
  }

  attach(host: DeviceHost): void {
    this.#line = host.interruptLine(0);
    host.background({ name: this.name, poll: () => this.#core.turn() });
    this.#core.connect(host.dmaPort());
  }

  reset(): void {
    this.#core.reset();
    this.#legacy?.reset();
    this.#updateLine();
  }

  #updateLine(): void {
    this.#line?.setLevel(this.#core.registers.interrupts !== 0);
  }

  #interrupt(cause: number): void {
    this.#core.registers.interrupts |= cause;
    this.#updateLine();
  }

  read(access: MmioAccess): void {
    const { offset, size } = access;
    access.hi = 0;
    if (offset >= VIRTIO_CONFIG) {
      access.lo = this.#core.readConfig(offset - VIRTIO_CONFIG, size);
      return;
    }
    // A driver reads all 32 bits of a register (section 4.2.2.2); for a narrower read,
    // the bytes of the register are returned.
    const word = this.#readRegister(offset & ~3) >>> (8 * (offset & 3));
    access.lo = size === 4 ? word >>> 0 : word & (2 ** (8 * size) - 1);
  }

  #readRegister(offset: number): number {
    const core = this.#core;
    switch (offset) {
      case VIRTIO_MAGIC:
        return VIRTIO_MAGIC_VALUE;
      case VIRTIO_VERSION:
        return this.#legacy ? VIRTIO_VERSION_LEGACY : VIRTIO_VERSION_VALUE;
      case VIRTIO_DEVICE_ID:
        return this.#deviceId;
      case VIRTIO_VENDOR_ID:
        return VIRTIO_VENDOR_VALUE;
      case VIRTIO_DEVICE_FEATURES:
        return core.deviceFeatures;
      case VIRTIO_QUEUE_NUM_MAX:
        return core.mostOf(core.registers.queueSel);
      case VIRTIO_INTERRUPT_STATUS:
        return core.registers.interrupts;
      case VIRTIO_STATUS:
        return core.registers.status;
      default:
        return this.#legacy ? this.#legacy.read(offset) : this.#readModern(offset);
    }
  }

  #readModern(offset: number): number {
    switch (offset) {
      case VIRTIO_QUEUE_READY:
        return this.#core.selected?.ready ? 1 : 0;
      case VIRTIO_SHM_LEN:
      case VIRTIO_SHM_LEN + 4:
        return ALL;
      // The configuration does not change, so its generation reads 0, like offsets
      // without a register.
      default:
        return 0;
    }
  }

  write({ offset, size, lo }: MmioAccess): void {
    // No function has a writable configuration.
    if (size !== 4 || offset >= VIRTIO_CONFIG) return;
    const core = this.#core;
    const { registers } = core;
    switch (offset) {
      case VIRTIO_DEVICE_FEATURES_SEL:
        registers.deviceFeaturesSel = lo;
        break;
      case VIRTIO_DRIVER_FEATURES_SEL:
        registers.driverFeaturesSel = lo;
        break;
      case VIRTIO_DRIVER_FEATURES:
        core.driverFeatures = lo;
        break;
      case VIRTIO_QUEUE_SEL:
        registers.queueSel = lo;
        break;
      case VIRTIO_QUEUE_NOTIFY:
        if (core.ring(lo)) core.turn();
        break;
      case VIRTIO_INTERRUPT_ACK:
        registers.interrupts &= ~lo;
        this.#updateLine();
        break;
      case VIRTIO_STATUS:
        if (lo === 0) this.reset();
        else core.writeStatus(lo);
        break;
      case VIRTIO_QUEUE_NUM:
        core.setQueueSize(lo);
        break;
      default:
        if (this.#legacy) this.#legacy.write(offset, lo);
        else this.#writeModern(offset, lo);
    }
  }

  #writeModern(offset: number, value: number): void {
    const core = this.#core;
    const word = (offset >> 2) & 1;
    if (offset === VIRTIO_QUEUE_READY) {
      core.setQueueReady((value & 1) !== 0);
      return;
    }
    switch (offset & ~4) {
      case VIRTIO_QUEUE_DESC:
        core.setQueueAddress('descriptors', word, value);
        break;
      case VIRTIO_QUEUE_DRIVER:
        core.setQueueAddress('driver', word, value);
        break;
      case VIRTIO_QUEUE_DEVICE:
        core.setQueueAddress('device', word, value);
        break;
    }
  }

  save(): DeviceState {
    const core = this.#core.save();
    return this.#legacy ? { core, legacy: this.#legacy.save() } : core;
  }

  restore(saved: DeviceState): void {
    if (this.#legacy) {
      const { core, legacy } = stateFields(saved, 'core', 'legacy');
      const restoreCore = this.#core.prepareRestore(core as DeviceState);
      this.#legacy.prepareRestore(legacy)();
      restoreCore();
    } else this.#core.prepareRestore(saved)();
    this.#updateLine();
  }

  registerName(region: number, offset: number): string {
    if (offset >= VIRTIO_CONFIG) return 'Config';
    return VIRTIO_MMIO_NAMES.get(offset) ?? unnamedRegister(this.regions[region], offset);
  }
}
