// SPDX-License-Identifier: MIT
// The DMA engine as a PCIe endpoint: its registers in BAR 0, an MSI-X vector as its
// interrupt, and capabilities for PASID, ATS and PRI that limit what its accesses may
// carry and request.

import { DMA_ATS, DMA_REGION_SIZE } from '../../assembly/layout/dma-engine-registers.ts';
import { ABI_KIND_DMA } from '../../assembly/layout/guest-abi.ts';
import { type CapabilitySpec, PcieEndpoint, reaches } from '../pcie/index.ts';
import { PCIE_CAP_ATS, PCIE_CAP_PASID } from '../pcie/pcie-registers.ts';
import type {
  AtsCapability,
  DeviceHost,
  DeviceState,
  DmaAttributes,
  DmaPort,
  DmaResult,
  MmioAccess,
} from '../plugin/index.ts';
import { NO_ATS } from '../plugin/no-ats.ts';
import { DmaEngine } from './dma-engine.ts';
import { PageRequestInterface, PRI_CAPABILITY } from './page-request-interface.ts';

/**
 * An ID that no driver matches, of the vendor ID that emulators use for their own
 * devices.
 */
const VENDOR = 0x1234;
const DEVICE = 0x4d44;
/** A system peripheral. */
const CLASS = 0x088000;

// Extended capabilities (PCIe 5.0, sections 7.8.9 and 10.5.1): the registers of each
// start at offset 4, with the capability in bits [15:0] and control in bits [31:16].
const REGISTERS_AT = 4;

const ATS_PAGE_ALIGNED = 0x20;
const ATS_STU = 0x001f_0000;
const ATS_ENABLE = 0x8000_0000;

/** Supports instruction fetches, privileged accesses, and PASIDs of 20 bits. */
const PASID_CAPABILITY = 0x1406;
const PASID_ENABLE = 0x1_0000;
const PASID_EXECUTE = 0x2_0000;
const PASID_PRIVILEGED = 0x4_0000;

const CAPABILITIES: readonly CapabilitySpec[] = [
  {
    name: 'ATS',
    id: PCIE_CAP_ATS,
    version: 1,
    size: 8,
    registers: [
      {
        name: 'ATS_CONTROL',
        offset: REGISTERS_AT,
        reset: ATS_PAGE_ALIGNED,
        writable: ATS_ENABLE + ATS_STU,
      },
    ],
  },
  PRI_CAPABILITY,
  {
    name: 'PASID',
    id: PCIE_CAP_PASID,
    version: 1,
    size: 8,
    registers: [
      {
        name: 'PASID_CONTROL',
        offset: REGISTERS_AT,
        reset: PASID_CAPABILITY,
        writable: PASID_ENABLE + PASID_EXECUTE + PASID_PRIVILEGED,
      },
    ],
  },
];

/**
 * The DMA engine as an endpoint of a PCIe host: function level reset, MSI-X with one
 * vector, ATS, PRI, PASID.
 */
export class DmaEnginePci extends PcieEndpoint {
  readonly #engine: DmaEngine;
  /** Whether the engine's ATS has been configured with page requests. */
  #hasPageRequests = false;
  readonly #pageRequests: PageRequestInterface;
  #ats: AtsCapability | undefined;

  /** @param name unique in a machine. */
  constructor(name: string) {
    super({
      name,
      kind: ABI_KIND_DMA,
      identity: {
        vendorId: VENDOR,
        deviceId: DEVICE,
        revisionId: 1,
        classCode: CLASS,
        subsystemVendorId: VENDOR,
        subsystemId: DEVICE,
        // Its interrupt is an event, which a level-triggered pin cannot express.
        interruptPin: 0,
      },
      bar: { name: 'dma-engine', size: DMA_REGION_SIZE, accessSizes: [4, 8] },
      vectors: 1,
      capabilities: CAPABILITIES,
      hasPasids: true,
    });
    this.#engine = new DmaEngine(name);
    this.#pageRequests = new PageRequestInterface(this.config);
  }

  protected override start(host: DeviceHost, port: DmaPort): void {
    this.#ats = port.ats;
    this.#engine.attach({
      memory: host.memory,
      interruptLine: () => ({
        pulse: () => this.msix.raise(0),
        setLevel: () => undefined,
      }),
      dmaPort: () => ({
        get streamId() {
          return port.streamId;
        },
        read: (iova, target, attributes) => this.#checked(port.read(iova, target, attributes)),
        write: (iova, source, attributes) => this.#checked(port.write(iova, source, attributes)),
        abandon: () => port.abandon?.(),
        ats: port.ats && this.#limited(port.ats),
      }),
      mapDirect: () => undefined,
      background: (loop) => host.background(loop),
      nowNs: () => host.nowNs(),
      timer: (name, callback) => host.timer(name, callback),
      msi: (address, data) => host.msi(address, data),
      trace: (event) => host.trace(event),
    });
  }

  /**
   * The result of an access, once the response to its page request is in the registers.
   */
  #checked(result: DmaResult): DmaResult {
    if (this.#ats?.settings.pageRequests) this.#takeResponses();
    return result;
  }

  /** Updates the registers of PRI. A Response Failure ends page requests. */
  #takeResponses(): void {
    this.#pageRequests.take(this.#ats?.takeResponses?.());
    this.#applyPageRequests();
  }

  #control(capability: string): number {
    return this.config.get(this.config.offsetOf(capability) + REGISTERS_AT);
  }

  /**
   * ATS and PRI as the capabilities enable them, regardless of what the engine's own
   * register requests.
   */
  #limited(ats: AtsCapability): AtsCapability {
    return {
      get settings() {
        return ats.settings;
      },
      configure: ({ silent }) => {
        const enabled = (this.#control('ATS') & ATS_ENABLE) !== 0;
        const pageRequests = this.#pageRequests.isActive;
        this.#hasPageRequests = enabled && pageRequests;
        ats.configure(enabled ? { enabled, pageRequests, silent } : NO_ATS);
      },
    };
  }

  /** An access is privileged or an instruction fetch by its PASID prefix only. */
  protected override allows(attributes: DmaAttributes = {}): boolean {
    const { pasid, privileged = false, instruction = false } = attributes;
    if (pasid === undefined) return !privileged && !instruction;
    const control = this.#control('PASID');
    const has = (bit: number) => (control & bit) !== 0;
    return (
      has(PASID_ENABLE) &&
      (!privileged || has(PASID_PRIVILEGED)) &&
      (!instruction || has(PASID_EXECUTE))
    );
  }

  protected override configRead(access: MmioAccess): void {
    if (this.#pageRequests.covers(access)) this.#takeResponses();
  }

  protected override configWritten(access: MmioAccess): void {
    if (this.#pageRequests.covers(access)) {
      this.#pageRequests.take(this.#ats?.takeResponses?.());
      const isReset = this.#pageRequests.written(access);
      this.#applyPageRequests();
      // Emptying the ATC also forgets the request that waits.
      if (isReset) this.#configureAts();
    } else if (reaches(access, this.config.offsetOf('ATS') + REGISTERS_AT)) this.#configureAts();
  }

  #applyPageRequests(): void {
    // Compared with what was requested: the host may have no page requests to give.
    const enabled = this.#ats?.settings.enabled ?? false;
    if (enabled && this.#hasPageRequests !== this.#pageRequests.isActive) this.#configureAts();
  }

  /** Makes the engine write its register again, which empties the ATC. */
  #configureAts(): void {
    const register: MmioAccess = { region: 0, offset: DMA_ATS, size: 4, lo: 0, hi: 0, vcpu: 0 };
    this.#engine.read(register);
    this.#engine.write(register);
  }

  protected override resetFunction(): void {
    this.#pageRequests.followRegisters();
    this.#engine.reset();
  }

  protected override readBar(access: MmioAccess): void {
    this.#engine.read(access);
  }

  protected override writeBar(access: MmioAccess): void {
    this.#engine.write(access);
  }

  protected override saveFunction(): DeviceState {
    return this.#engine.save();
  }

  protected override prepareFunction(state: DeviceState): () => void {
    // An unattached engine restores the state, or throws an error about it.
    new DmaEngine(this.name).restore(state);
    return () => {
      this.#pageRequests.followRegisters();
      this.#engine.restore(state);
    };
  }

  protected override barRegisterName(offset: number): string | undefined {
    return this.#engine.registerName(0, offset);
  }
}
