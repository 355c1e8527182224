// SPDX-License-Identifier: MIT
// What PCIe endpoints have in common: configuration space, BARs, INTx, MSI-X, reset of the function. What
// one does by its BARs is a subclass's.

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

/** What an endpoint is made of. */
export interface PcieEndpointOptions {
  /** Unique in a machine. */
  readonly name: string;
  /** Four ASCII characters, as `DeviceIdentity` has them. */
  readonly kind: number;
  /** Vendor, device, class and interrupt pin, as configuration space shows them. */
  readonly identity: FunctionIdentity;
  /** The region that BAR 0 leads to: its name, bytes (a power of two), and accesses. */
  readonly bar: Device['regions'][number];
  /** The region to whose first 256 bytes BAR 1 leads, in I/O space. Default: there is none. */
  readonly io?: Device['regions'][number];
  /** Entries of the MSI-X table, which lies behind BAR 1, or BAR 2 of an endpoint with `io`. */
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

/** Regions of an endpoint, behind its configuration space. */
export const BAR_REGION = 1;
const MSIX_REGION = 2;
/** Region of the BAR in I/O space, where there is one. */
export const IO_REGION = 3;
const IO_BAR = 1;
/** More than these one BAR cannot have there (PCI 3.0, section 6.2.5.1). */
const IO_BAR_SIZE = 0x100;

/** An endpoint with one BAR for its registers, and one for MSI-X; it may have one in I/O space as well. */
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

  /** @throws {TypeError} when there is no such option, or one is missing. */
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

  /** Bus Master Enable: it may make DMA, and send messages. */
  protected get isMaster(): boolean {
    return (this.config.command & PCIE_COMMAND_MASTER) !== 0;
  }

  /** Whether its DMA may carry these attributes now. */
  protected allows(attributes: DmaAttributes | undefined): boolean {
    return attributes?.pasid === undefined;
  }

  #sendMessage(address: number, data: number): void {
    if (this.isMaster) this.#host?.msi(address, data);
  }

  /** Takes what it is attached to. @param port makes no access while the function is no bus master. */
  protected abstract start(host: DeviceHost, port: DmaPort): void;
  /** Brings what lies behind BAR 0 to its state out of reset. */
  protected abstract resetFunction(): void;
  /** Answers a read by BAR 0, or by that of I/O space (`access.region`): fills `access.lo` and `access.hi`. */
  protected abstract readBar(access: MmioAccess): void;
  /** Carries out a write by one of them. */
  protected abstract writeBar(access: MmioAccess): void;
  /** State of what lies behind them. */
  protected abstract saveFunction(): DeviceState;
  /**
   * Checks such a state.
   * @returns what takes it over.
   * @throws {TypeError} when it is none.
   */
  protected abstract prepareFunction(state: DeviceState): () => void;
  /** Name of a register behind one of them. */
  protected abstract barRegisterName(offset: number): string | undefined;

  /** A configuration read is about to be answered. */
  protected configRead(_access: MmioAccess): void {
    // Most registers have their values.
  }

  /** A configuration write has changed the registers of the function's own capabilities. */
  protected configWritten(_access: MmioAccess): void {
    // Most capabilities are read-only.
  }

  get intx(): boolean {
    return this.#intx && (this.config.command & PCIE_COMMAND_INTX_DISABLE) === 0;
  }

  /** Asserts INTx, or not; with MSI-X on, a function leaves it alone. */
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

  /** The whole function, as FLR does it (PCIe 5.0, section 6.6.2): what is outside of it stays. */
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
    if (reaches(access, this.config.offsetOf('MSIX'))) this.msix.unmaskChanged();
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
