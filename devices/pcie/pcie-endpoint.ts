// SPDX-License-Identifier: MIT
// Common parts of PCIe endpoints: configuration space, BARs, INTx, MSI-X, function level
// reset. A subclass implements the registers in the BAR.

import {
  type Device,
  type DeviceHost,
  type DeviceState,
  type DmaAttributes,
  type DmaPort,
  type MmioAccess,
  PLUGIN_INTERFACE_VERSION,
  stateFields,
  unnamedRegister,
} from '../plugin/index.ts';
import {
  checkOptions,
  flag,
  having,
  integerFrom,
  listOf,
  nonEmpty,
  type OptionKinds,
  uint32,
} from '../plugin/option-kinds.ts';
import {
  type BarSpec,
  type CapabilitySpec,
  ConfigurationSpace,
  endpointHeader,
  type FunctionIdentity,
  reaches,
  writtenTo,
} from './configuration-space.ts';
import { EXPRESS, expressCapability, placeExpress } from './express-capability.ts';
import { MasterPort } from './master-port.ts';
import { MSIX_REGION_SIZE, MsixTable, msixCapability } from './msix.ts';
import {
  CONFIGURATION_REGION,
  type MemoryWindow,
  type PcieFunction,
  type PcieSlot,
} from './pcie-function.ts';
import {
  EXPRESS_DEVICE_CONTROL,
  EXPRESS_INITIATE_FLR,
  EXPRESS_TYPE_ENDPOINT,
  EXPRESS_TYPE_INTEGRATED_ENDPOINT,
  PCIE_BAR_IO,
  PCIE_BAR0,
  PCIE_COMMAND_INTX_DISABLE,
  PCIE_COMMAND_IO,
  PCIE_COMMAND_MASTER,
  PCIE_COMMAND_MEMORY,
  PCIE_COMMAND_STATUS,
  PCIE_CONFIG_SIZE,
  PCIE_HEADER_MULTIFUNCTION,
  PCIE_HEADER_TYPE,
  PCIE_STATUS_INTERRUPT,
} from './pcie-registers.ts';

/** What an endpoint is built from. */
export interface PcieEndpointOptions {
  /** Unique in a machine. */
  readonly name: string;
  /** Four ASCII characters, as in `DeviceIdentity`. */
  readonly kind: number;
  /** Vendor, device, class and interrupt pin, for configuration space. */
  readonly identity: FunctionIdentity;
  /**
   * The region that BAR 0 maps: its name, size in bytes (a power of two), and access
   * sizes.
   */
  readonly bar: Device['regions'][number];
  /**
   * The region whose first 256 bytes BAR 1 maps, in I/O space. Default: no such BAR.
   */
  readonly io?: Device['regions'][number];
  /**
   * Number of entries of the MSI-X table, which BAR 1 maps, or BAR 2 of an endpoint with
   * `io`.
   */
  readonly vectors: number;
  /** Capabilities besides PCI Express and MSI-X. Default: none. */
  readonly capabilities?: readonly CapabilitySpec[];
  /** Its accesses may carry PASIDs. Default false. */
  readonly hasPasids?: boolean;
}

const OPTIONS: OptionKinds<PcieEndpointOptions> = {
  name: nonEmpty,
  kind: uint32,
  identity: having(),
  bar: having(),
  io: having(),
  vectors: integerFrom(1, 2048),
  capabilities: listOf(having()),
  hasPasids: flag,
};

/** Regions of an endpoint after its configuration space. */
export const BAR_REGION = 1;
const MSIX_REGION = 2;
/** Region of the BAR in I/O space, where there is one. */
export const IO_REGION = 3;
const IO_BAR = 1;
/** More than these one BAR cannot have there (PCI 3.0, section 6.2.5.1). */
const IO_BAR_SIZE = 0x100;

/**
 * An endpoint with one BAR for its registers, and one for MSI-X; it may have one in I/O
 * space as well.
 */
export abstract class PcieEndpoint implements PcieFunction {
  readonly name: string;
  readonly interfaceVersion = PLUGIN_INTERFACE_VERSION;
  readonly identity: Device['identity'];
  readonly regions: Device['regions'];
  readonly interruptPin: number;
  protected readonly config: ConfigurationSpace;
  protected readonly msix: MsixTable;
  readonly #bars: readonly BarSpec[];
  #slot: PcieSlot | undefined;
  #host: DeviceHost | undefined;
  #intx = false;

  /** @throws {TypeError} when an option is unknown or missing. */
  constructor(options: PcieEndpointOptions) {
    checkOptions(options, OPTIONS, 'PcieEndpoint', ['name', 'kind', 'identity', 'bar', 'vectors']);
    const { bar, io, identity, vectors, hasPasids = false } = options;
    this.name = options.name;
    this.identity = { kind: options.kind, interrupts: 0, busMaster: true };
    this.interruptPin = identity.interruptPin;
    this.regions = [
      { name: 'configuration', size: PCIE_CONFIG_SIZE, accessSizes: [1, 2, 4] },
      bar,
      { name: 'msix', size: MSIX_REGION_SIZE, accessSizes: [4, 8] },
      ...(io ? [io] : []),
    ];
    const msixBar = io ? IO_BAR + 1 : IO_BAR;
    this.#bars = [
      { bar: 0, region: BAR_REGION, size: bar.size },
      ...(io ? [{ bar: IO_BAR, region: IO_REGION, size: IO_BAR_SIZE, isIo: true }] : []),
      { bar: msixBar, region: MSIX_REGION, size: MSIX_REGION_SIZE },
    ];
    this.config = new ConfigurationSpace(endpointHeader(identity, this.#bars), [
      expressCapability(true, hasPasids),
      msixCapability(vectors, msixBar),
      ...(options.capabilities ?? []),
    ]);
    const control = this.config.offsetOf('MSIX');
    this.msix = new MsixTable(
      vectors,
      () => this.config.get(control),
      (address, data) => this.#sendMessage(address, data),
    );
  }

  plug(slot: PcieSlot): void {
    this.#slot = slot;
    this.#showPlace();
  }

  #showPlace(): void {
    const isIntegrated = this.#slot?.isIntegrated ?? true;
    const type = isIntegrated ? EXPRESS_TYPE_INTEGRATED_ENDPOINT : EXPRESS_TYPE_ENDPOINT;
    placeExpress(this.config, type, !isIntegrated);
    const isMultifunction = this.#slot?.isMultifunction ?? false;
    this.config.setBits(PCIE_HEADER_TYPE, PCIE_HEADER_MULTIFUNCTION, isMultifunction);
  }

  attach(host: DeviceHost): void {
    this.#host = host;
    const port = new MasterPort(host.dmaPort(), {
      isMaster: () => this.isMaster,
      allows: (attributes) => this.allows(attributes),
    });
    this.start(host, port);
  }

  /** Bus Master Enable: the function may perform DMA and send messages. */
  protected get isMaster(): boolean {
    return (this.config.command & PCIE_COMMAND_MASTER) !== 0;
  }

  /** True when its DMA may have these attributes now. */
  protected allows(attributes: DmaAttributes | undefined): boolean {
    return attributes?.pasid === undefined;
  }

  /** A message is a write to memory: only a bus master sends it. */
  #sendMessage(address: number, data: number): boolean {
    if (!this.isMaster) return false;
    this.#host?.msi(address, data);
    return true;
  }

  /**
   * Attaches the function.
   * @param port refuses accesses while the function is not a bus master.
   */
  protected abstract start(host: DeviceHost, port: DmaPort): void;
  /** Sets the registers of BAR 0 to their reset state. */
  protected abstract resetFunction(): void;
  /**
   * Performs a read of BAR 0, or of the I/O BAR (`access.region`): fills `access.lo` and
   * `access.hi`.
   */
  protected abstract readBar(access: MmioAccess): void;
  /** Performs a write of one of them. */
  protected abstract writeBar(access: MmioAccess): void;
  /** State of their registers. */
  protected abstract saveFunction(): DeviceState;
  /**
   * Checks such a state.
   * @returns a function that restores it.
   * @throws {TypeError} when it is not one.
   */
  protected abstract prepareFunction(state: DeviceState): () => void;
  /** Name of a register of one of them. */
  protected abstract barRegisterName(offset: number): string | undefined;

  /** Called before a configuration read is performed. */
  protected configRead(_access: MmioAccess): void {
    // Most registers are up to date.
  }

  /** Called after a configuration write that reached the function's own capabilities. */
  protected configWritten(_access: MmioAccess): void {
    // Most capabilities are read-only.
  }

  get intx(): boolean {
    return this.#intx && (this.config.command & PCIE_COMMAND_INTX_DISABLE) === 0;
  }

  /** Asserts or deasserts INTx. With MSI-X enabled, a function does not use it. */
  protected setIntx(asserted: boolean): void {
    this.#intx = asserted;
    this.config.setBits(PCIE_COMMAND_STATUS, PCIE_STATUS_INTERRUPT, asserted);
    this.#slot?.interruptChanged();
  }

  get windows(): readonly MemoryWindow[] {
    const { command } = this.config;
    return this.#bars
      .filter(({ isIo }) => command & (isIo ? PCIE_COMMAND_IO : PCIE_COMMAND_MEMORY))
      .map(({ bar, region, size, isIo = false }) => ({
        address: this.config.get(PCIE_BAR0 + 4 * bar) - (isIo ? PCIE_BAR_IO : 0),
        size,
        region,
        isIo,
      }));
  }

  /**
   * Resets the whole function like FLR (PCIe 5.0, section 6.6.2); state outside the
   * function is unchanged.
   */
  reset(): void {
    this.config.reset();
    this.#showPlace();
    this.msix.reset();
    this.resetFunction();
    this.setIntx(false);
    this.#slot?.windowsChanged();
  }

  read(access: MmioAccess): void {
    access.hi = 0;
    if (access.region === CONFIGURATION_REGION) {
      this.configRead(access);
      this.config.read(access);
    } else if (access.region === MSIX_REGION) this.msix.read(access);
    else this.readBar(access);
  }

  write(access: MmioAccess): void {
    if (access.region === CONFIGURATION_REGION) this.#writeConfig(access);
    else if (access.region === MSIX_REGION) this.msix.write(access);
    else this.writeBar(access);
  }

  #writeConfig(access: MmioAccess): void {
    const deviceControl = this.config.offsetOf(EXPRESS) + EXPRESS_DEVICE_CONTROL;
    if (writtenTo(access, deviceControl) & EXPRESS_INITIATE_FLR) {
      this.reset();
      return;
    }
    this.config.write(access);
    if (reaches(access, PCIE_COMMAND_STATUS)) this.#slot?.interruptChanged();
    if (access.offset < PCIE_BAR0 + 0x18) this.#slot?.windowsChanged();
    if (reaches(access, PCIE_COMMAND_STATUS) || reaches(access, this.config.offsetOf('MSIX')))
      this.msix.sendPending();
    this.configWritten(access);
  }

  save(): DeviceState {
    return {
      config: this.config.save(),
      msix: this.msix.save(),
      intx: this.#intx,
      function: this.saveFunction(),
    };
  }

  restore(state: DeviceState): void {
    const fields = stateFields(state, 'config', 'msix', 'intx', 'function');
    const { intx } = fields;
    if (typeof intx !== 'boolean') throw new TypeError('the state is not of this device: its INTx');
    this.config.check(fields.config);
    const restoreMsix = this.msix.prepareRestore(fields.msix);
    const restoreFunction = this.prepareFunction(fields.function as DeviceState);
    this.config.restore(fields.config);
    this.#showPlace();
    restoreMsix();
    restoreFunction();
    this.setIntx(intx);
    this.#slot?.windowsChanged();
  }

  registerName(region: number, offset: number): string {
    const name =
      region === CONFIGURATION_REGION
        ? this.config.nameAt(offset)
        : region === MSIX_REGION
          ? this.msix.nameAt(offset)
          : this.barRegisterName(offset);
    return name ?? unnamedRegister(this.regions[region], offset);
  }
}
