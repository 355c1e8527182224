// SPDX-License-Identifier: MIT
// DMA engine: a bus master with one StreamID that copies, fills and compares memory.
// Every access goes through the IOMMU. A background loop retries an access that the IOMMU
// stalls, and then continues the operation. It also continues an operation that is longer
// than one turn of the engine.

import {
  DMA_ATS,
  DMA_ATS_ENABLE,
  DMA_ATS_PAGES,
  DMA_ATS_SILENT,
  DMA_CTRL,
  DMA_DONE,
  DMA_DST,
  DMA_FAULT_ADDR,
  DMA_IRQ_ENABLE,
  DMA_LENGTH,
  DMA_MAX_LENGTH,
  DMA_OP_COPY,
  DMA_OP_FILL,
  DMA_OP_HINT,
  DMA_OP_NONE,
  DMA_OP_VERIFY,
  DMA_PASID,
  DMA_PATTERN,
  DMA_REGION_SIZE,
  DMA_SRC,
  DMA_STATUS,
  DMA_STATUS_BAD_LENGTH,
  DMA_STATUS_BAD_OP,
  DMA_STATUS_BUSY,
  DMA_STATUS_DONE,
  DMA_STATUS_IDLE,
  DMA_STATUS_MISMATCH,
  DMA_STATUS_READ_FAULT,
  DMA_STATUS_STALLED,
  DMA_STATUS_WRITE_FAULT,
  DMA_STEP_LENGTH,
  DMA_STREAM,
} from '../../assembly/layout/dma-engine-registers.ts';
import { ABI_KIND_DMA } from '../../assembly/layout/guest-abi.ts';
import {
  type Device,
  type DeviceHost,
  type DeviceState,
  type DmaPort,
  type DmaResult,
  type InterruptLine,
  type MmioAccess,
  PLUGIN_INTERFACE_VERSION,
  plainStateLike,
  RegisterFile,
  stateFields,
  unnamedRegister,
} from '../plugin/index.ts';
import { nonEmpty } from '../plugin/option-kinds.ts';
import {
  attributesOf,
  IDLE,
  iovaOf,
  noOperation,
  type Operation,
  REGISTERS,
} from './dma-registers.ts';

/** Maximum number of bytes per access to the port: those of one turn. */
const CHUNK = DMA_STEP_LENGTH;

/**
 * Progress or result of an operation, and the iova of the access that failed or waits.
 */
interface Outcome {
  readonly status: number;
  readonly done: number;
  readonly faultIova?: number;
}

function covers(access: MmioAccess, offset: number): boolean {
  return offset >= access.offset && offset < access.offset + access.size;
}

/** Index of the first byte of `one` that differs from `other`; -1 when they are equal. */
function firstDifference(one: Uint8Array, other: Uint8Array): number {
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return i;
  return -1;
}

/** The outcome of an operation whose access was refused or stalled. */
function refused(result: DmaResult, fault: number, done: number, iova: number): Outcome {
  return {
    status: result.stalled ? DMA_STATUS_STALLED : fault,
    done: done + result.done,
    faultIova: iova + done + result.done,
  };
}

/** The DMA engine: a bus master that copies, fills and compares memory for its guest. */
export class DmaEngine implements Device {
  readonly name: string;
  readonly interfaceVersion = PLUGIN_INTERFACE_VERSION;
  readonly identity = { kind: ABI_KIND_DMA, interrupts: 1, busMaster: true };
  readonly regions = [{ name: 'dma-engine', size: DMA_REGION_SIZE, accessSizes: [4, 8] as const }];
  #port: DmaPort | undefined;
  #line: InterruptLine | undefined;
  #trace: DeviceHost['trace'] = () => undefined;
  readonly #chunk = new Uint8Array(CHUNK);
  /** The pattern, repeated: a chunk can start at any of its four bytes. */
  readonly #expected = new Uint8Array(CHUNK + 4);
  private readonly registers = new RegisterFile(DMA_REGION_SIZE, REGISTERS);
  /** The operation that continues at the next turn; DMA_OP_NONE for none. */
  private underWay = noOperation();

  /** @param name unique in its machine. */
  constructor(name = 'dma-engine') {
    nonEmpty(name, 'DmaEngine', 'name');
    this.name = name;
  }

  attach(host: DeviceHost): void {
    this.#port = host.dmaPort();
    this.#line = host.interruptLine(0);
    this.#trace = (event) => host.trace(event);
    host.background({ name: this.name, poll: () => this.#poll() });
  }

  reset(): void {
    this.#abandon();
    this.registers.reset();
    this.#showStream();
    this.#configureAts();
  }

  /** The StreamID is a property of the device's place, not of its state. */
  #showStream(): void {
    this.registers.set(DMA_STREAM, this.#port?.streamId ?? 0);
  }

  read(access: MmioAccess): void {
    // For a device below a PCIe port it depends on the bus number.
    if (covers(access, DMA_STREAM)) this.#showStream();
    this.registers.read(access);
  }

  write(access: MmioAccess): void {
    this.registers.write(access);
    if (covers(access, DMA_ATS)) this.#configureAts();
    if (covers(access, DMA_CTRL)) this.#start(this.registers.get(DMA_CTRL));
  }

  /** Applies the register, and shows the result in it. */
  #configureAts(): void {
    const wanted = this.registers.get(DMA_ATS);
    const ats = this.#port?.ats;
    const has = (bit: number) => (wanted & bit) !== 0;
    ats?.configure({
      enabled: has(DMA_ATS_ENABLE),
      pageRequests: has(DMA_ATS_PAGES),
      silent: has(DMA_ATS_SILENT),
    });
    const { enabled = false, pageRequests = false, silent = false } = ats?.settings ?? {};
    this.registers.set(
      DMA_ATS,
      (enabled ? DMA_ATS_ENABLE : 0) |
        (pageRequests ? DMA_ATS_PAGES : 0) |
        (silent ? DMA_ATS_SILENT : 0),
    );
  }

  #abandon(): void {
    if (this.underWay.operation === DMA_OP_NONE) return;
    this.underWay = noOperation();
    this.#port?.abandon?.();
  }

  #start(operation: number): void {
    this.#abandon();
    const word = (register: number) => this.registers.get(register);
    this.#advance({
      operation,
      length: word(DMA_LENGTH),
      source: [word(DMA_SRC), word(DMA_SRC + 4)],
      target: [word(DMA_DST), word(DMA_DST + 4)],
      pattern: word(DMA_PATTERN),
      pasid: word(DMA_PASID),
      done: 0,
    });
  }

  /** Continues the current operation. Returns 1 when it made progress. */
  #poll(): number {
    const { operation, done } = this.underWay;
    if (operation === DMA_OP_NONE) return 0;
    this.#advance(this.underWay);
    return this.underWay.operation === DMA_OP_NONE || this.underWay.done !== done ? 1 : 0;
  }

  #advance(operation: Operation): void {
    const { status, done, faultIova = 0 } = this.#run(operation);
    this.registers.set(DMA_STATUS, status);
    this.registers.set(DMA_DONE, done);
    this.registers.set(DMA_FAULT_ADDR, faultIova);
    this.registers.set(DMA_FAULT_ADDR + 4, faultIova / 2 ** 32);
    const busy = status === DMA_STATUS_BUSY;
    const goesOn = busy || status === DMA_STATUS_STALLED;
    this.underWay = goesOn ? { ...operation, done } : noOperation();
    if (busy) return;
    this.#trace({
      name: 'dma',
      operation: operation.operation,
      length: operation.length,
      done,
      status,
    });
    if (!goesOn && operation.operation !== DMA_OP_NONE && this.registers.get(DMA_IRQ_ENABLE))
      this.#line?.pulse();
  }

  #run(operation: Operation): Outcome {
    const port = this.#port;
    const { operation: number, length } = operation;
    if (number === DMA_OP_NONE || !port) return { status: DMA_STATUS_IDLE, done: 0 };
    if (number > DMA_OP_HINT) return { status: DMA_STATUS_BAD_OP, done: 0 };
    const inWords = number === DMA_OP_FILL || number === DMA_OP_VERIFY;
    if (length === 0 || length > DMA_MAX_LENGTH || (inWords && length % 4 !== 0)) {
      return { status: DMA_STATUS_BAD_LENGTH, done: 0 };
    }
    if (number === DMA_OP_HINT) return this.#hint(port, operation);
    // The rest is left to later turns.
    const end = Math.min(length, operation.done + DMA_STEP_LENGTH);
    const outcome = this.#turn(port, { ...operation, length: end });
    return outcome.status === DMA_STATUS_DONE && end < length
      ? { ...outcome, status: DMA_STATUS_BUSY }
      : outcome;
  }

  #turn(port: DmaPort, operation: Operation): Outcome {
    if (operation.operation === DMA_OP_COPY) return this.#copy(port, operation);
    const length = Math.min(CHUNK, operation.length - operation.done);
    new Uint32Array(this.#expected.buffer).fill(operation.pattern, 0, Math.ceil(length / 4) + 1);
    return operation.operation === DMA_OP_FILL
      ? this.#fill(port, operation)
      : this.#verify(port, operation);
  }

  /** The pattern at an offset of the operation. */
  #pattern(offset: number, bytes: number): Uint8Array {
    return this.#expected.subarray(offset % 4, (offset % 4) + bytes);
  }

  /**
   * One access through the port. An address that the port cannot express (2^53 and above)
   * fails like one that nothing answers.
   */
  #access(
    access: (iova: number, bytes: Uint8Array) => DmaResult,
    iova: number,
    bytes: Uint8Array,
  ): DmaResult {
    return Number.isSafeInteger(iova + bytes.length) ? access(iova, bytes) : { ok: false, done: 0 };
  }

  /**
   * In ascending chunks. Data read before a fault is still written. A chunk whose write
   * stalls is read again.
   */
  #copy(port: DmaPort, operation: Operation): Outcome {
    const { length } = operation;
    const attributes = attributesOf(operation.pasid);
    const source = iovaOf(operation.source);
    const target = iovaOf(operation.target);
    for (let done = operation.done; done < length; done += CHUNK) {
      const bytes = this.#chunk.subarray(0, Math.min(CHUNK, length - done));
      const read = this.#access(
        (iova, into) => port.read(iova, into, attributes),
        source + done,
        bytes,
      );
      const good = bytes.subarray(0, read.done);
      const written =
        good.length > 0
          ? this.#access((iova, from) => port.write(iova, from, attributes), target + done, good)
          : { ok: true, done: 0 };
      if (!written.ok) return refused(written, DMA_STATUS_WRITE_FAULT, done, target);
      if (!read.ok) return refused(read, DMA_STATUS_READ_FAULT, done, source);
    }
    return { status: DMA_STATUS_DONE, done: length };
  }

  /** No hint is sent for an address that the port cannot express. */
  #hint(port: DmaPort, { source, target, length, pasid }: Operation): Outcome {
    const attributes = attributesOf(pasid);
    for (const [iova, write] of [
      [iovaOf(source), false],
      [iovaOf(target), true],
    ] as const)
      if (Number.isSafeInteger(iova + length)) port.hint?.(iova, length, write, attributes);
    return { status: DMA_STATUS_DONE, done: length };
  }

  #fill(port: DmaPort, operation: Operation): Outcome {
    const { length } = operation;
    const attributes = attributesOf(operation.pasid);
    const target = iovaOf(operation.target);
    for (let done = operation.done; done < length; ) {
      const bytes = this.#pattern(done, Math.min(CHUNK, length - done));
      const written = this.#access(
        (iova, from) => port.write(iova, from, attributes),
        target + done,
        bytes,
      );
      if (!written.ok) return refused(written, DMA_STATUS_WRITE_FAULT, done, target);
      done += bytes.length;
    }
    return { status: DMA_STATUS_DONE, done: length };
  }

  #verify(port: DmaPort, operation: Operation): Outcome {
    const { length } = operation;
    const attributes = attributesOf(operation.pasid);
    const source = iovaOf(operation.source);
    for (let done = operation.done; done < length; ) {
      const bytes = this.#chunk.subarray(0, Math.min(CHUNK, length - done));
      const read = this.#access(
        (iova, into) => port.read(iova, into, attributes),
        source + done,
        bytes,
      );
      const good = bytes.subarray(0, read.done);
      const expected = this.#pattern(done, good.length);
      const differs = firstDifference(good, expected);
      if (differs >= 0) return { status: DMA_STATUS_MISMATCH, done: done + differs };
      if (!read.ok) return refused(read, DMA_STATUS_READ_FAULT, done, source);
      done += bytes.length;
    }
    return { status: DMA_STATUS_DONE, done: length };
  }

  save(): DeviceState {
    return { registers: this.registers.save(), underWay: structuredClone(this.underWay) };
  }

  restore(state: DeviceState): void {
    const { registers, underWay } = stateFields(state, 'registers', 'underWay');
    const operation = plainStateLike(IDLE, underWay);
    this.registers.restore(registers);
    this.#abandon();
    // A stalled access is issued again: the IOMMU's copy of it is not part of this
    // device.
    this.underWay = operation;
    this.#showStream();
    this.#configureAts();
  }

  registerName(region: number, offset: number): string {
    return this.registers.nameAt(offset) ?? unnamedRegister(this.regions[region], offset);
  }
}
