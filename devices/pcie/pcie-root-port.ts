// SPDX-License-Identifier: MIT
// A root port: a bridge with one device on its secondary bus, whose number software
// assigns (PCIe 5.0, section 7.5.1.3).

import { checkDeviceShape } from '../plugin/device-shape.ts';
import {
  type Device,
  type DeviceHost,
  type DeviceState,
  type MmioAccess,
  PLUGIN_INTERFACE_VERSION,
  type RegisterSpec,
  stateFields,
  unnamedRegister,
} from '../plugin/index.ts';
import { checkList } from '../plugin/known-values.ts';
import { nonEmpty } from '../plugin/option-kinds.ts';
import { type CapabilitySpec, ConfigurationSpace } from './configuration-space.ts';
import { expressCapability, placeExpress } from './express-capability.ts';
import type { MemoryWindow, PcieFunction, PcieSlot } from './pcie-function.ts';
import {
  EXPRESS_TYPE_ROOT_PORT,
  PCIE_BRIDGE_CONTROL,
  PCIE_BRIDGE_SECONDARY_RESET,
  PCIE_BUS_NUMBERS,
  PCIE_CAP_ACS,
  PCIE_CAPABILITIES,
  PCIE_CAPABILITY_POINTER,
  PCIE_CLASS_REVISION,
  PCIE_COMMAND_MASTER,
  PCIE_COMMAND_MEMORY,
  PCIE_COMMAND_STATUS,
  PCIE_COMMAND_WRITABLE,
  PCIE_CONFIG_SIZE,
  PCIE_HEADER_BRIDGE,
  PCIE_HEADER_MULTIFUNCTION,
  PCIE_HEADER_TYPE,
  PCIE_ID,
  PCIE_IO_WINDOW,
  PCIE_MEMORY_WINDOW,
  PCIE_PREFETCH_WINDOW,
  PCIE_STATUS_CAPABILITIES,
  PCIE_STATUS_IMMEDIATE_READINESS,
} from './pcie-registers.ts';

const KIND = 0x72696370; // "pcir"
/** Red Hat's PCIe root port, for which no driver has quirks. */
const ID = 0x000c_1b36;
const CLASS_BRIDGE = 0x060400;
const MIB = 0x100000;

const HEADER: readonly RegisterSpec[] = [
  { name: 'ID', offset: PCIE_ID, reset: ID },
  {
    name: 'COMMAND_STATUS',
    offset: PCIE_COMMAND_STATUS,
    reset: PCIE_STATUS_CAPABILITIES + PCIE_STATUS_IMMEDIATE_READINESS,
    writable: PCIE_COMMAND_WRITABLE,
  },
  { name: 'CLASS_REVISION', offset: PCIE_CLASS_REVISION, reset: CLASS_BRIDGE * 0x100 },
  { name: 'HEADER_TYPE', offset: PCIE_HEADER_TYPE, reset: PCIE_HEADER_BRIDGE, writable: 0xff },
  { name: 'BUS_NUMBERS', offset: PCIE_BUS_NUMBERS, writable: 0x00ffffff },
  // No I/O space: the window reads 0.
  { name: 'IO_WINDOW', offset: PCIE_IO_WINDOW },
  { name: 'MEMORY_WINDOW', offset: PCIE_MEMORY_WINDOW, writable: 0xfff0fff0 },
  // No prefetchable memory: every BAR is in the other window.
  { name: 'PREFETCH_WINDOW', offset: PCIE_PREFETCH_WINDOW },
  { name: 'CAPABILITY_POINTER', offset: PCIE_CAPABILITY_POINTER, reset: PCIE_CAPABILITIES },
  {
    name: 'BRIDGE_CONTROL',
    offset: PCIE_BRIDGE_CONTROL,
    writable: PCIE_BRIDGE_SECONDARY_RESET + 0x000300ff,
  },
];

/**
 * Source validation, redirection of requests and completions, forwarding upstream
 * (section 7.7.8). All traffic between functions passes through the IOMMU here,
 * regardless of what software enables.
 */
const ACS_BITS = 0x1d;
const ACS: CapabilitySpec = {
  name: 'ACS',
  id: PCIE_CAP_ACS,
  version: 1,
  size: 8,
  registers: [{ name: 'ACS_CONTROL', offset: 4, reset: ACS_BITS, writable: ACS_BITS * 0x10000 }],
};

/** A root port with a device below it. */
export class PcieRootPort implements PcieFunction {
  readonly name: string;
  readonly interfaceVersion = PLUGIN_INTERFACE_VERSION;
  readonly identity: Device['identity'] = { kind: KIND, interrupts: 0, busMaster: false };
  readonly regions: Device['regions'] = [
    { name: 'configuration', size: PCIE_CONFIG_SIZE, accessSizes: [1, 2, 4] },
  ];
  /** It has no interrupt of its own; those of the device below bypass it. */
  readonly interruptPin = 0;
  readonly intx = false;
  readonly windows: readonly MemoryWindow[] = [];
  /** Functions of the device below, in the order of their numbers. */
  readonly behind: readonly PcieFunction[];
  readonly #config = new ConfigurationSpace(HEADER, [expressCapability(false, true), ACS]);
  #slot: PcieSlot | undefined;

  /**
   * @param name unique in a machine.
   * @param behind functions of the device below it, 1 to 8, starting with function 0.
   * @throws {TypeError} when one is not a function, or the name not a string.
   * @throws {RangeError} when there are none, or too many.
   */
  constructor(name: string, behind: readonly PcieFunction[]) {
    nonEmpty(name, 'PcieRootPort', 'name');
    checkList(behind, 'PcieRootPort: behind');
    behind.forEach((one, i) => {
      checkDeviceShape(one, `PcieRootPort: behind[${i}]`);
    });
    if (behind.length < 1 || behind.length > 8)
      throw new RangeError(`PcieRootPort: behind must be 1 to 8 functions, not ${behind.length}`);
    this.name = name;
    this.behind = behind;
  }

  plug(slot: PcieSlot): void {
    this.#slot = slot;
    this.#showPlace();
  }

  #showPlace(): void {
    placeExpress(this.#config, EXPRESS_TYPE_ROOT_PORT, true);
    const isMultifunction = this.#slot?.isMultifunction ?? false;
    this.#config.setBits(PCIE_HEADER_TYPE, PCIE_HEADER_MULTIFUNCTION, isMultifunction);
  }

  attach(_host: DeviceHost): void {
    // The functions below it are attached separately.
  }

  /** Number of the secondary bus; 0 until software has assigned one. */
  get secondaryBus(): number {
    return (this.#config.get(PCIE_BUS_NUMBERS) >>> 8) & 0xff;
  }

  /**
   * True while it forwards DMA and messages from below. Without Bus Master Enable a root
   * port handles them as Unsupported Requests (PCIe 6.0, section 7.5.1.1.3): an MSI is a
   * posted write, which gets no completion, so that hardware loses it as well.
   */
  get isMaster(): boolean {
    return (this.#config.command & PCIE_COMMAND_MASTER) !== 0;
  }

  /** True when it forwards accesses to these addresses to the secondary bus. */
  forwards({ address, size, isIo = false }: MemoryWindow): boolean {
    if (isIo || (this.#config.command & PCIE_COMMAND_MEMORY) === 0) return false;
    const word = this.#config.get(PCIE_MEMORY_WINDOW);
    const base = ((word & 0xfff0) << 16) >>> 0;
    const end = ((word & 0xfff00000) >>> 0) + MIB;
    return address >= base && address + size <= end;
  }

  reset(): void {
    this.#config.reset();
    this.#showPlace();
    this.#slot?.windowsChanged();
  }

  read(access: MmioAccess): void {
    access.hi = 0;
    this.#config.read(access);
  }

  write(access: MmioAccess): void {
    const wasReset = this.#config.get(PCIE_BRIDGE_CONTROL) & PCIE_BRIDGE_SECONDARY_RESET;
    this.#config.write(access);
    const isReset = this.#config.get(PCIE_BRIDGE_CONTROL) & PCIE_BRIDGE_SECONDARY_RESET;
    // A hot reset of the secondary bus (section 7.5.1.3.13). Its duration cannot be
    // observed.
    if (isReset && !wasReset) for (const one of this.behind) one.reset();
    this.#slot?.windowsChanged();
  }

  save(): DeviceState {
    return { config: this.#config.save() };
  }

  restore(state: DeviceState): void {
    this.#config.restore(stateFields(state, 'config').config);
    this.#showPlace();
    this.#slot?.windowsChanged();
  }

  registerName(region: number, offset: number): string {
    return this.#config.nameAt(offset) ?? unnamedRegister(this.regions[region], offset);
  }
}
