// SPDX-License-Identifier: MIT
// What a host gives a device.

/** Memory as the device's bus sees it without an IOMMU. Addresses are gpa. */
export interface GuestMemory {
  /** Reads one aligned 64-bit word once, atomically. Undefined when the address is not RAM. */
  load64(gpa: number): bigint | undefined;
  /** Writes one aligned 64-bit word atomically. False when the address is not RAM. */
  store64(gpa: number, value: bigint): boolean;
  /** Writes one aligned 32-bit word atomically. False when the address is not RAM. */
  store32(gpa: number, value: number): boolean;
}

/** One interrupt line of a device. */
export interface InterruptLine {
  /** Edge: one event. */
  pulse(): void;
  /** Level: asserted until set to false. */
  setLevel(asserted: boolean): void;
}

/** Outcome of a DMA access. */
export interface DmaResult {
  readonly ok: boolean;
  /** Bytes transferred before the access ended. */
  readonly done: number;
  /**
   * True when the IOMMU holds the access (a stall), or it waits for a page (PRI): it is
   * neither done nor refused. The device makes the rest of it again, from a background
   * loop, until it gets another result, or gives it up with `abandon`.
   */
  readonly stalled?: boolean;
}

/** What a device does of PCIe's ATS. */
export interface AtsSettings {
  /** Its accesses ask for translations, and keep them. */
  readonly enabled: boolean;
  /** It asks for pages that it is denied (PRI): such accesses are stalled until software has answered. */
  readonly pageRequests: boolean;
  /** It leaves invalidation requests without an answer, as a device that hangs does. */
  readonly silent: boolean;
}

/** The ATS of a device: an ATC between it and the IOMMU. */
export interface AtsCapability {
  /** What the device does. */
  readonly settings: AtsSettings;
  /** Empties the ATC. What the host does not have stays false in `settings`. */
  configure(settings: AtsSettings): void;
}

/** What a DMA access carries besides its address, as a PCIe TLP with a PASID prefix does. */
export interface DmaAttributes {
  /**
   * PASID, an integer of 20 bits; an access with any other is refused. It selects the address
   * space within the device's stream: an SMMU's SubstreamID. Absent: the access has none.
   */
  readonly pasid?: number | undefined;
  /** The access is privileged. Default false. */
  readonly privileged?: boolean | undefined;
  /** A read that fetches instructions. Default false; a write is always data. */
  readonly instruction?: boolean | undefined;
  /**
   * A write that is an atomic operation (PCIe's AtomicOps, far atomics of an interconnect), its operand the
   * bytes that are written. No IOMMU here carries one: it is refused, and an SMMU records F_UUT. Default false; a read
   * is none.
   */
  readonly atomic?: boolean | undefined;
}

/**
 * The bus-master side of a device: every access goes through the IOMMU of the machine, page by page, under the StreamID
 * that the host gave the device. A fault ends the access; the IOMMU records it. Keep the `DmaAttributes` of a stream of
 * accesses in one object: a port neither changes nor keeps it.
 */
export interface DmaPort {
  /** StreamID as the guest numbers it. */
  readonly streamId: number;
  /** Reads memory at `iova` (an integer below 2^53) into `target`. */
  read(iova: number, target: Uint8Array, attributes?: DmaAttributes): DmaResult;
  /** Writes `source` to memory at `iova`. */
  write(iova: number, source: Uint8Array, attributes?: DmaAttributes): DmaResult;
  /**
   * Says that `length` bytes from `iova` on will be read (or written) soon, so that software may bring their
   * pages in. No access, and nothing needs to come of it; an SMMU records E_PAGE_REQUEST. A host that has no way for
   * it, such as PCIe, leaves it out.
   */
  hint?(iova: number, length: number, write: boolean, attributes?: DmaAttributes): void;
  /** Gives up every access that the IOMMU holds. A host whose IOMMU holds none leaves it out. */
  abandon?(): void;
  /** Absent: the host's IOMMU has no ATS. */
  readonly ats?: AtsCapability | undefined;
}

/** A range of a device's registers that guest memory backs, so that accesses to it cause no exit. */
export interface DirectMapRequest {
  readonly region: number;
  /** Byte offset in the region. */
  readonly offset: number;
  /** Bytes; the range lies in one 64 KiB page of the region. */
  readonly length: number;
  /** Passed to the doorbell after a store to the range; undefined when stores need no doorbell. */
  readonly doorbell: number | undefined;
}

/** A range of registers that guest memory backs now. */
export interface DirectMap {
  /** Guest-memory offset of the first byte of the range. */
  readonly memoryOffset: number;
  /**
   * Takes the range back: accesses that begin from now on trap. Returns when every vCPU has seen the new map or is stopped, or after 0.2 ms; a
   * late store, which its vCPU had begun before, lands in a page that nobody reads. The device carries the contents over.
   */
  unmap(): void;
}

/** Work that a device wants done beside the guest: an export of a Wasm instance, called with fixed arguments. */
export interface BackgroundLoop {
  readonly name: string;
  /** Does a bounded amount of work; returns how much, 0 when there was none. */
  poll(): number;
}

/**
 * One timer of a device. It calls back once for each deadline, at or after it, and never during a
 * register access or another callback: the host calls at its safe points, the earliest deadline
 * first, and of equal ones the timer that was made first.
 */
export interface Timer {
  /**
   * Sets the deadline, in place of the one before.
   * @param deadlineNs nanoseconds of `DeviceHost.nowNs`; one in the past is due at once.
   * @throws {RangeError} when it is not a finite number.
   */
  at(deadlineNs: number): void;
  /** Takes the deadline away; without one it does nothing. */
  cancel(): void;
  /** The deadline; undefined before the first, after `cancel`, and from the callback on. */
  readonly deadline: number | undefined;
}

/** Something that happened, with what belongs to it (docs/trace.md). */
export interface TraceEvent {
  readonly name: string;
  readonly [field: string]: number | string | boolean;
}

/**
 * Everything that a device may ask of its host. A host may refuse `mapDirect` by
 * returning undefined: accesses then trap.
 */
export interface DeviceHost {
  readonly memory: GuestMemory;
  /** One of the lines that the identity of the device declares, from 0. */
  interruptLine(index: number): InterruptLine;
  /** The DMA port of this device; only for devices whose identity says `busMaster`. */
  dmaPort(): DmaPort;
  /** Has guest memory back a range of registers; undefined when this host does not, and the accesses trap. */
  mapDirect(request: DirectMapRequest): DirectMap | undefined;
  /** Registers a loop; the returned function takes it away again. */
  background(loop: BackgroundLoop): () => void;
  /**
   * Nanoseconds since an arbitrary start, monotonic. A host that restores a saved machine goes on
   * with its time, so that saved deadlines keep their meaning.
   */
  nowNs(): number;
  /**
   * Makes a timer; call it in `attach`. The host cancels a device's timers before it resets the
   * device. Whether a timer is set is state: `saveTimer` and `restoreTimer` carry it.
   * @param name unique in the device, for messages.
   * @throws {RangeError} when the host has no room for more timers.
   */
  timer(name: string, callback: () => void): Timer;
  /**
   * Sends an MSI: a 32-bit write that carries the device's requester ID. A bus master's goes the
   * way of its DMA port, through the IOMMU.
   * @param address a multiple of 4: of a bus master an IOVA, otherwise a gpa.
   * @param data its low 32 bits are sent.
   * @returns false when the IOMMU, or what is at the address, refuses it.
   */
  msi(address: number, data: number): boolean;
  /** Records an event when tracing is on. */
  trace(event: TraceEvent): void;
}
