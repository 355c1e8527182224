// SPDX-License-Identifier: MIT
// A virtio device over PCI (virtio 1.2, section 4.1), modern interface only: common
// configuration, ISR status, the device's own configuration and notifications are in BAR
// 0.

import { BAR_REGION, PcieEndpoint, reaches } from '../pcie/index.ts';
import {
  type DeviceHost,
  type DeviceState,
  type DmaPort,
  type MmioAccess,
  plainStateLike,
  stateFields,
} from '../plugin/index.ts';
import { checkVirtioFunction } from './given-function.ts';
import { VIRTIO_INTERRUPT_CONFIG, VIRTIO_INTERRUPT_USED } from './virtio-bits.ts';
import { VirtioCore } from './virtio-core.ts';
import type { VirtioFunction } from './virtio-function.ts';
import {
  COMMON_CONFIG_VECTOR,
  COMMON_DEVICE_FEATURE,
  COMMON_DEVICE_FEATURE_SELECT,
  COMMON_DRIVER_FEATURE,
  COMMON_DRIVER_FEATURE_SELECT,
  COMMON_QUEUE_DESC,
  COMMON_QUEUE_DEVICE,
  COMMON_QUEUE_DRIVER,
  COMMON_QUEUE_ENABLE,
  COMMON_QUEUE_SELECT,
  COMMON_QUEUE_SIZE,
  COMMON_QUEUE_VECTOR,
  COMMON_SIZE,
  COMMON_STATUS,
  PCI_ACCESS_BAR,
  PCI_ACCESS_DATA,
  PCI_ACCESS_LENGTH,
  PCI_ACCESS_OFFSET,
  VIRTIO_MSI_NO_VECTOR,
  VIRTIO_PCI_DEVICE,
  VIRTIO_PCI_DEVICE_CONFIG,
  VIRTIO_PCI_ISR,
  VIRTIO_PCI_NAMES,
  VIRTIO_PCI_NOTIFY,
  VIRTIO_PCI_REGION_SIZE,
  VIRTIO_PCI_VENDOR,
  virtioCapabilities,
} from './virtio-pci-registers.ts';

const KIND = 0x70726976; // "virp"
/** Class codes by virtio ID; any other device is unclassified. */
const CLASSES: ReadonlyMap<number, number> = new Map([
  [1, 0x020000],
  [2, 0x010000],
  [3, 0x078000],
]);
const UNCLASSIFIED = 0x00ff00;
const INTA = 1;

/** MSI-X vectors that the driver has assigned. */
type Vectors = { config: number; queues: number[] };

/**
 * A virtio device as a PCIe endpoint: INTx, or MSI-X with one vector per queue and one
 * more.
 */
export class VirtioPci extends PcieEndpoint {
  readonly #core: VirtioCore;
  readonly #queues: number;
  private vectors: Vectors;

  /** @param name unique in a machine. */
  constructor(name: string, device: VirtioFunction) {
    checkVirtioFunction(device, 'VirtioPci');
    const queues = device.queueSizes.length;
    super({
      name,
      kind: KIND,
      identity: {
        vendorId: VIRTIO_PCI_VENDOR,
        deviceId: VIRTIO_PCI_DEVICE + device.deviceId,
        revisionId: 1,
        classCode: CLASSES.get(device.deviceId) ?? UNCLASSIFIED,
        subsystemVendorId: VIRTIO_PCI_VENDOR,
        subsystemId: VIRTIO_PCI_DEVICE + device.deviceId,
        interruptPin: INTA,
      },
      bar: { name: 'virtio-pci', size: VIRTIO_PCI_REGION_SIZE, accessSizes: [1, 2, 4] },
      vectors: queues + 1,
      capabilities: virtioCapabilities(queues, device.config.length),
    });
    this.#queues = queues;
    this.vectors = this.#noVectors();
    this.#core = new VirtioCore(device, {
      used: (queue) => this.#used(queue),
      configChanged: () => this.#configChanged(),
    });
  }

  #noVectors(): Vectors {
    return {
      config: VIRTIO_MSI_NO_VECTOR,
      queues: Array.from({ length: this.#queues }, () => VIRTIO_MSI_NO_VECTOR),
    };
  }

  protected override start(host: DeviceHost, port: DmaPort): void {
    host.background({ name: this.name, poll: () => this.#turn() });
    this.#core.connect(port);
  }

  /** A function that is not a bus master must not access its rings. */
  #turn(): number {
    return this.isMaster ? this.#core.turn() : 0;
  }

  protected override resetFunction(): void {
    this.#core.reset();
    this.vectors = this.#noVectors();
  }

  /** With MSI-X a used buffer is only signalled by its vector (section 4.1.4.5.1). */
  #used(queue: number): void {
    if (this.msix.isEnabled) this.#raise(this.vectors.queues[queue]);
    else this.#setIsr(this.#core.registers.interrupts | VIRTIO_INTERRUPT_USED);
  }

  #configChanged(): void {
    this.#setIsr(this.#core.registers.interrupts | VIRTIO_INTERRUPT_CONFIG);
    if (this.msix.isEnabled) this.#raise(this.vectors.config);
  }

  #raise(vector = VIRTIO_MSI_NO_VECTOR): void {
    if (vector !== VIRTIO_MSI_NO_VECTOR) this.msix.raise(vector);
  }

  #setIsr(status: number): void {
    this.#core.registers.interrupts = status;
    this.setIntx(status !== 0 && !this.msix.isEnabled);
  }

  protected override readBar(access: MmioAccess): void {
    const { offset, size } = access;
    if (offset >= VIRTIO_PCI_NOTIFY) access.lo = 0;
    else if (offset >= VIRTIO_PCI_DEVICE_CONFIG)
      access.lo = this.#core.readConfig(offset - VIRTIO_PCI_DEVICE_CONFIG, size);
    else {
      const word = this.#readWord(offset & ~3) >>> (8 * (offset & 3));
      access.lo = size === 4 ? word >>> 0 : word & (2 ** (8 * size) - 1);
    }
  }

  #readWord(offset: number): number {
    if (offset < COMMON_SIZE) return this.#readCommon(offset);
    if (offset !== VIRTIO_PCI_ISR) return 0;
    // A read acknowledges (section 4.1.4.5).
    const status = this.#core.registers.interrupts;
    this.#setIsr(0);
    return status;
  }

  #readCommon(offset: number): number {
    const core = this.#core;
    const { registers, selected } = core;
    switch (offset) {
      case COMMON_DEVICE_FEATURE_SELECT:
        return registers.deviceFeaturesSel;
      case COMMON_DEVICE_FEATURE:
        return core.deviceFeatures;
      case COMMON_DRIVER_FEATURE_SELECT:
        return registers.driverFeaturesSel;
      case COMMON_DRIVER_FEATURE:
        return core.driverFeatures;
      case COMMON_CONFIG_VECTOR:
        return this.vectors.config | (this.#queues << 16);
      case COMMON_STATUS:
        // The configuration does not change: its generation is 0. The status has 8 bits.
        return (registers.status & 0xff) | (registers.queueSel << 16);
      case COMMON_QUEUE_SIZE:
        return (selected?.size ?? 0) | (this.#selectedVector << 16);
      case COMMON_QUEUE_ENABLE:
        return (selected?.ready ? 1 : 0) | ((selected ? registers.queueSel : 0) << 16);
      default:
        return this.#readAddress(offset);
    }
  }

  #readAddress(offset: number): number {
    const { selected } = this.#core;
    const word = (offset >> 2) & 1;
    switch (offset & ~7) {
      case COMMON_QUEUE_DESC:
        return selected?.descriptors[word] ?? 0;
      case COMMON_QUEUE_DRIVER:
        return selected?.driver[word] ?? 0;
      case COMMON_QUEUE_DEVICE:
        return selected?.device[word] ?? 0;
      default:
        return 0;
    }
  }

  get #selectedVector(): number {
    return this.vectors.queues[this.#core.registers.queueSel] ?? VIRTIO_MSI_NO_VECTOR;
  }

  /**
   * Fields must be written with their own width (section 4.1.3.1); other writes have no
   * effect.
   */
  protected override writeBar({ offset, size, lo }: MmioAccess): void {
    if (offset >= VIRTIO_PCI_NOTIFY) {
      if (size >= 2 && this.#core.ring(lo & 0xffff)) this.#turn();
    } else if (size === 4) this.#writeWord(offset, lo);
    else if (size === 2) this.#writeHalf(offset, lo);
    else if (offset === COMMON_STATUS) this.#writeStatus(lo);
  }

  #writeStatus(status: number): void {
    if (status !== 0) {
      this.#core.writeStatus(status);
      return;
    }
    this.resetFunction();
    // The table belongs to PCI and is unchanged, but nothing is left to be reported.
    this.msix.clearPending();
    this.setIntx(false);
  }

  #writeHalf(offset: number, value: number): void {
    const core = this.#core;
    switch (offset) {
      case COMMON_CONFIG_VECTOR:
        this.vectors.config = this.#vector(value);
        break;
      case COMMON_QUEUE_SELECT:
        core.registers.queueSel = value;
        break;
      case COMMON_QUEUE_SIZE:
        core.setQueueSize(value);
        break;
      case COMMON_QUEUE_VECTOR:
        if (core.selected) this.vectors.queues[core.registers.queueSel] = this.#vector(value);
        break;
      case COMMON_QUEUE_ENABLE:
        // Only a reset of the device clears it (section 4.1.4.3.2).
        if (value === 1) core.setQueueReady(true);
        break;
    }
  }

  /** A vector that is not in the table reads back as none (section 4.1.5.1.2). */
  #vector(value: number): number {
    return value < this.msix.vectors ? value : VIRTIO_MSI_NO_VECTOR;
  }

  #writeWord(offset: number, value: number): void {
    const core = this.#core;
    const word = (offset >> 2) & 1;
    switch (offset) {
      case COMMON_DEVICE_FEATURE_SELECT:
        core.registers.deviceFeaturesSel = value;
        break;
      case COMMON_DRIVER_FEATURE_SELECT:
        core.registers.driverFeaturesSel = value;
        break;
      case COMMON_DRIVER_FEATURE:
        core.driverFeatures = value;
        break;
      case COMMON_QUEUE_DESC:
      case COMMON_QUEUE_DESC + 4:
        core.setQueueAddress('descriptors', word, value);
        break;
      case COMMON_QUEUE_DRIVER:
      case COMMON_QUEUE_DRIVER + 4:
        core.setQueueAddress('driver', word, value);
        break;
      case COMMON_QUEUE_DEVICE:
      case COMMON_QUEUE_DEVICE + 4:
        core.setQueueAddress('device', word, value);
        break;
    }
  }

  /**
   * The access to BAR 0 that the capability's registers describe; undefined when they
   * describe none.
   */
  #windowAccess(): MmioAccess | undefined {
    const at = this.config.offsetOf('VIRTIO_PCI');
    const offset = this.config.get(at + PCI_ACCESS_OFFSET);
    const size = this.config.get(at + PCI_ACCESS_LENGTH);
    if (size !== 1 && size !== 2 && size !== 4) return undefined;
    const isInBar = this.config.get(at + PCI_ACCESS_BAR) === 0 && offset < VIRTIO_PCI_REGION_SIZE;
    if (!isInBar || offset % size !== 0) return undefined;
    return { region: BAR_REGION, offset, size, lo: 0, hi: 0, vcpu: 0 };
  }

  #dataAt(): number {
    return this.config.offsetOf('VIRTIO_PCI') + PCI_ACCESS_DATA;
  }

  protected override configRead({ offset }: MmioAccess): void {
    if ((offset & ~3) !== this.#dataAt()) return;
    const access = this.#windowAccess();
    if (access) this.readBar(access);
    this.config.setBits(this.#dataAt(), 0xffffffff, false);
    this.config.setBits(this.#dataAt(), access?.lo ?? 0, true);
  }

  protected override configWritten(written: MmioAccess): void {
    // INTx is not used while MSI-X is enabled.
    if (reaches(written, this.config.offsetOf('MSIX')))
      this.#setIsr(this.#core.registers.interrupts);
    const { offset, lo } = written;
    if (offset !== this.#dataAt()) return;
    const access = this.#windowAccess();
    if (!access) return;
    access.lo = access.size === 4 ? lo : lo & (2 ** (8 * access.size) - 1);
    this.writeBar(access);
  }

  protected override saveFunction(): DeviceState {
    return { core: this.#core.save(), vectors: structuredClone(this.vectors) };
  }

  protected override prepareFunction(state: DeviceState): () => void {
    const { core, vectors } = stateFields(state, 'core', 'vectors');
    const restored = plainStateLike(this.#noVectors(), vectors);
    const restoreCore = this.#core.prepareRestore(core as DeviceState);
    return () => {
      restoreCore();
      this.vectors = {
        config: this.#vector(restored.config),
        queues: restored.queues.map((vector) => this.#vector(vector)),
      };
    };
  }

  protected override barRegisterName(offset: number): string | undefined {
    if (offset >= VIRTIO_PCI_NOTIFY) return 'QueueNotify';
    if (offset >= VIRTIO_PCI_DEVICE_CONFIG) return 'Config';
    return VIRTIO_PCI_NAMES.get(offset);
  }
}
