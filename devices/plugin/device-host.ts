// SPDX-License-Identifier: MIT
// The interface of a host to its devices.

/** Memory as the device's bus sees it without an IOMMU. Addresses are gpa. */
export interface GuestMemory {
  /**
   * Reads one aligned 64-bit word once, atomically. Undefined when the address is not
   * RAM.
   */
  load64(gpa: number): bigint | undefined;
  /** Writes one aligned 64-bit word atomically. False when the address is not RAM. */
  store64(gpa: number, value: bigint): boolean;
  /** Writes one aligned 32-bit word atomically. False when the address is not RAM. */
  store32(gpa: number, value: number): boolean;
}

/** One interrupt line of a device. */
export interface InterruptLine {
  /** An edge: one event. */
  pulse(): void;
  /** A level: asserted until set to false. */
  setLevel(asserted: boolean): void;
}

/** Result of a DMA access. */
export interface DmaResult {
  readonly ok: boolean;
  /** Bytes transferred before the access ended. */
  readonly done: number;
  /**
   * True when the IOMMU stalls the access, or it waits for a page (PRI): it is neither
   * done nor refused. The device repeats the rest of it from a background loop until it
   * gets another result, or drops it with `abandon`.
   */
  readonly stalled?: boolean;
}

/** How a device uses PCIe's ATS. */
export interface AtsSettings {
  /** The device requests translations for its accesses, and caches them. */
  readonly enabled: boolean;
  /**
   * The device requests pages that it is denied (PRI): such accesses are stalled until
   * software has responded.
   */
  readonly pageRequests: boolean;
  /** The device does not respond to invalidation requests, like a device that hangs. */
  readonly silent: boolean;
}

/** What became of a device's page requests (PRI). */
export interface PageResponses {
  /** A request waits for its response. */
  readonly isWaiting: boolean;
  /** There was a response with Response Failure. */
  readonly failed: boolean;
  /** There was a response that belongs to no request that waits. */
  readonly unexpected: boolean;
}

/** The ATS of a device: an ATC between the device and the IOMMU. */
export interface AtsCapability {
  /** The current settings. */
  readonly settings: AtsSettings;
  /**
   * Changes the settings and empties the ATC. Settings that the host does not support
   * stay false in `settings`. A change of `pageRequests` alone keeps the ATC, and a
   * request that waits.
   */
  configure(settings: AtsSettings): void;
  /**
   * Whether a request waits, and the responses since the last call. Absent: the host does
   * not report them.
   */
  takeResponses?(): PageResponses;
}

/**
 * Attributes of a DMA access besides its address, like those of a PCIe TLP with a PASID
 * prefix.
 */
export interface DmaAttributes {
  /**
   * PASID, a 20-bit integer; an access with any other value is refused. It selects the
   * address space within the device's stream: an SMMU's SubstreamID. Absent: the access
   * has none.
   */
  readonly pasid?: number | undefined;
  /** The access is privileged. Default false. */
  readonly privileged?: boolean | undefined;
  /** A read that fetches instructions. Default false; a write is always data. */
  readonly instruction?: boolean | undefined;
  /**
   * A write that is an atomic operation (PCIe's AtomicOps, far atomics of an
   * interconnect), with the written bytes as its operand. No IOMMU here supports it: it
   * is refused, and an SMMU records F_UUT. Default false; ignored for reads.
   */
  readonly atomic?: boolean | undefined;
}

/**
 * The bus-master side of a device: every access goes through the IOMMU of the machine,
 * page by page, with the StreamID that the host assigned to the device. A fault ends the
 * access; the IOMMU records it. Reuse one `DmaAttributes` object for a sequence of
 * accesses: a port neither changes nor keeps it.
 */
export interface DmaPort {
  /** StreamID as numbered by the guest. */
  readonly streamId: number;
  /** Reads memory at `iova` (an integer below 2^53) into `target`. */
  read(iova: number, target: Uint8Array, attributes?: DmaAttributes): DmaResult;
  /** Writes `source` to memory at `iova`. */
  write(iova: number, source: Uint8Array, attributes?: DmaAttributes): DmaResult;
  /**
   * A hint that `length` bytes from `iova` on will be read (or written) soon, so that
   * software may load their pages. Not an access, and it may have no effect; an SMMU
   * records E_PAGE_REQUEST. A host without such hints, such as PCIe, leaves it out.
   */
  hint?(iova: number, length: number, write: boolean, attributes?: DmaAttributes): void;
  /**
   * Drops every access that the IOMMU stalls. A host whose IOMMU never stalls leaves it
   * out.
   */
  abandon?(): void;
  /** Absent: the host's IOMMU has no ATS. */
  readonly ats?: AtsCapability | undefined;
}

/**
 * A range of a device's registers to be backed by guest memory, so that accesses to it
 * cause no exit.
 */
export interface DirectMapRequest {
  readonly region: number;
  /** Byte offset in the region. */
  readonly offset: number;
  /** In bytes. The range is within one 64 KiB page of the region. */
  readonly length: number;
  /**
   * Passed to the doorbell after a store to the range; undefined when stores need no
   * doorbell.
   */
  readonly doorbell: number | undefined;
}

/** A range of registers that is backed by guest memory. */
export interface DirectMap {
  /** Guest-memory offset of the first byte of the range. */
  readonly memoryOffset: number;
  /**
   * Removes the mapping: accesses that begin from now on trap. Returns when every vCPU
   * has seen the new map or is stopped, or after 0.2 ms; a late store, which its vCPU had
   * begun before, goes to a page that nobody reads. The device copies the contents.
   */
  unmap(): void;
}

/**
 * Work that a device does in parallel with the guest: an export of a Wasm instance,
 * called with fixed arguments.
 */
export interface BackgroundLoop {
  readonly name: string;
  /** Does a bounded amount of work; returns the amount, 0 when there was none. */
  poll(): number;
}

/**
 * One timer of a device. It calls back once for each deadline, at or after it, and never
 * during a register access or another callback. The host calls at its safe points, the
 * earliest deadline first, equal ones in order of creation.
 */
export interface Timer {
  /**
   * Sets the deadline, replacing any previous one.
   * @param deadlineNs nanoseconds of `DeviceHost.nowNs`; one in the past is due at once.
   * @throws {RangeError} when it is not a finite number.
   */
  at(deadlineNs: number): void;
  /** Clears the deadline. No effect without one. */
  cancel(): void;
  /**
   * The deadline; undefined before the first, after `cancel`, and from the callback on.
   */
  readonly deadline: number | undefined;
}

/** An event with its values (docs/trace.md). */
export interface TraceEvent {
  readonly name: string;
  readonly [field: string]: number | string | boolean;
}

/**
 * The services that a device may use. A host may refuse `mapDirect` by returning
 * undefined: accesses then trap.
 */
export interface DeviceHost {
  readonly memory: GuestMemory;
  /** One of the lines that the identity of the device declares, from 0. */
  interruptLine(index: number): InterruptLine;
  /** The DMA port of this device; only for devices whose identity has `busMaster`. */
  dmaPort(): DmaPort;
  /**
   * Backs a range of registers with guest memory; undefined when this host does not, so
   * that accesses trap.
   */
  mapDirect(request: DirectMapRequest): DirectMap | undefined;
  /** Registers a loop; the returned function removes it. */
  background(loop: BackgroundLoop): () => void;
  /**
   * Nanoseconds since an arbitrary start, monotonic. A host that restores a saved machine
   * continues its time, so that saved deadlines stay valid.
   */
  nowNs(): number;
  /**
   * Makes a timer; call it in `attach`. The host cancels a device's timers before it
   * resets the device. A timer's deadline is state: save it with `saveTimer` and restore
   * it with `restoreTimer`.
   * @param name unique in the device, for messages.
   * @throws {RangeError} when the host cannot have more timers.
   */
  timer(name: string, callback: () => void): Timer;
  /**
   * Sends an MSI: a 32-bit write that carries the device's requester ID. A bus master's
   * MSI goes through its DMA port and the IOMMU.
   * @param address a multiple of 4: an IOVA for a bus master, otherwise a gpa.
   * @param data its low 32 bits are sent.
   * @returns false when the IOMMU, or the target, refuses it.
   */
  msi(address: number, data: number): boolean;
  /** Records an event when tracing is on. */
  trace(event: TraceEvent): void;
}
