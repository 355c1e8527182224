// DMA engine: a bus master with one StreamID that copies, fills and compares memory. Every access goes through the IOMMU.

import {
  DMA_CTRL,
  DMA_DONE,
  DMA_DST,
  DMA_FAULT_ADDR,
  DMA_ID,
  DMA_ID_VALUE,
  DMA_IRQ_ENABLE,
  DMA_LENGTH,
  DMA_MAX_LENGTH,
  DMA_OP_COPY,
  DMA_OP_FILL,
  DMA_OP_NONE,
  DMA_OP_VERIFY,
  DMA_PATTERN,
  DMA_REGION_SIZE,
  DMA_SRC,
  DMA_STATUS,
  DMA_STATUS_BAD_LENGTH,
  DMA_STATUS_BAD_OP,
  DMA_STATUS_DONE,
  DMA_STATUS_IDLE,
  DMA_STATUS_MISMATCH,
  DMA_STATUS_READ_FAULT,
  DMA_STATUS_WRITE_FAULT,
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
  RegisterFile,
  stateFields,
  unnamedRegister,
} from '../plugin/index.ts';

const ALL = 0xffffffff;

const REGISTERS = [
  { name: 'ID', offset: DMA_ID, reset: DMA_ID_VALUE },
  { name: 'CTRL', offset: DMA_CTRL, writable: ALL },
  { name: 'STATUS', offset: DMA_STATUS },
  { name: 'LENGTH', offset: DMA_LENGTH, writable: ALL },
  { name: 'SRC', offset: DMA_SRC, size: 8, writable: ALL, writableHi: ALL },
  { name: 'DST', offset: DMA_DST, size: 8, writable: ALL, writableHi: ALL },
  { name: 'PATTERN', offset: DMA_PATTERN, writable: ALL },
  { name: 'DONE', offset: DMA_DONE },
  { name: 'FAULT_ADDR', offset: DMA_FAULT_ADDR, size: 8 },
  { name: 'STREAM', offset: DMA_STREAM },
  { name: 'IRQ_ENABLE', offset: DMA_IRQ_ENABLE, writable: 1 },
] as const;

/** Bytes moved between two accesses to the port. */
const CHUNK = 4096;

/** How an operation ended, and the iova of the access that failed if one did. */
interface Outcome {
  readonly status: number;
  readonly done: number;
  readonly faultIova?: number;
}

function covers(access: MmioAccess, offset: number): boolean {
  return offset >= access.offset && offset < access.offset + access.size;
}

export class DmaEngine implements Device {
  readonly name = 'dma-engine';
  readonly interfaceVersion = PLUGIN_INTERFACE_VERSION;
  readonly identity = { kind: ABI_KIND_DMA, interrupts: 1, busMaster: true };
  readonly regions = [{ name: 'dma-engine', size: DMA_REGION_SIZE, accessSizes: [4, 8] as const }];
  #port: DmaPort | undefined;
  #line: InterruptLine | undefined;
  readonly #chunk = new Uint8Array(CHUNK);
  readonly #expected = new Uint8Array(CHUNK);
  private readonly registers = new RegisterFile(DMA_REGION_SIZE, REGISTERS);

  attach(host: DeviceHost): void {
    this.#port = host.dmaPort();
    this.#line = host.interruptLine(0);
  }

  reset(): void {
    this.registers.reset();
    this.#showStream();
  }

  /** The StreamID is a property of the place that the device is plugged into, not of its state. */
  #showStream(): void {
    this.registers.set(DMA_STREAM, this.#port?.streamId ?? 0);
  }

  read(access: MmioAccess): void {
    this.registers.read(access);
  }

  write(access: MmioAccess): void {
    this.registers.write(access);
    if (covers(access, DMA_CTRL)) this.#start(this.registers.get(DMA_CTRL));
  }

  #start(operation: number): void {
    const length = this.registers.get(DMA_LENGTH);
    const { status, done, faultIova = 0 } = this.#run(operation, length);
    this.registers.set(DMA_STATUS, status);
    this.registers.set(DMA_DONE, done);
    this.registers.set(DMA_FAULT_ADDR, faultIova);
    this.registers.set(DMA_FAULT_ADDR + 4, faultIova / 2 ** 32);
    if (operation !== DMA_OP_NONE && this.registers.get(DMA_IRQ_ENABLE)) this.#line?.pulse();
  }

  #run(operation: number, length: number): Outcome {
    const port = this.#port;
    if (operation === DMA_OP_NONE || !port) return { status: DMA_STATUS_IDLE, done: 0 };
    if (operation > DMA_OP_VERIFY) return { status: DMA_STATUS_BAD_OP, done: 0 };
    if (length === 0 || length > DMA_MAX_LENGTH || (operation !== DMA_OP_COPY && length % 4 !== 0)) {
      return { status: DMA_STATUS_BAD_LENGTH, done: 0 };
    }
    if (operation === DMA_OP_COPY) return this.#copy(port, length);
    new Uint32Array(this.#expected.buffer).fill(this.registers.get(DMA_PATTERN));
    return operation === DMA_OP_FILL ? this.#fill(port, length) : this.#verify(port, length);
  }

  #iova(register: number): number {
    return this.registers.get(register + 4) * 2 ** 32 + this.registers.get(register);
  }

  /** One access of the port. An address that the port cannot carry (2^53 and above) fails like one that nothing answers. */
  #access(access: (iova: number, bytes: Uint8Array) => DmaResult, iova: number, bytes: Uint8Array): DmaResult {
    return Number.isSafeInteger(iova + bytes.length) ? access(iova, bytes) : { ok: false, done: 0 };
  }

  /** Chunk by chunk in ascending order; what was read before a fault is still written. */
  #copy(port: DmaPort, length: number): Outcome {
    const source = this.#iova(DMA_SRC);
    const target = this.#iova(DMA_DST);
    for (let done = 0; done < length; done += CHUNK) {
      const bytes = this.#chunk.subarray(0, Math.min(CHUNK, length - done));
      const read = this.#access((iova, into) => port.read(iova, into), source + done, bytes);
      const good = bytes.subarray(0, read.done);
      const written = good.length > 0 ? this.#access((iova, from) => port.write(iova, from), target + done, good) : { ok: true, done: 0 };
      if (!written.ok) return { status: DMA_STATUS_WRITE_FAULT, done: done + written.done, faultIova: target + done + written.done };
      if (!read.ok) return { status: DMA_STATUS_READ_FAULT, done: done + read.done, faultIova: source + done + read.done };
    }
    return { status: DMA_STATUS_DONE, done: length };
  }

  #fill(port: DmaPort, length: number): Outcome {
    const target = this.#iova(DMA_DST);
    for (let done = 0; done < length; done += CHUNK) {
      const bytes = this.#expected.subarray(0, Math.min(CHUNK, length - done));
      const written = this.#access((iova, from) => port.write(iova, from), target + done, bytes);
      if (!written.ok) return { status: DMA_STATUS_WRITE_FAULT, done: done + written.done, faultIova: target + done + written.done };
    }
    return { status: DMA_STATUS_DONE, done: length };
  }

  #verify(port: DmaPort, length: number): Outcome {
    const source = this.#iova(DMA_SRC);
    for (let done = 0; done < length; done += CHUNK) {
      const bytes = this.#chunk.subarray(0, Math.min(CHUNK, length - done));
      const read = this.#access((iova, into) => port.read(iova, into), source + done, bytes);
      const good = bytes.subarray(0, read.done);
      const differs = good.findIndex((byte, i) => byte !== this.#expected[i]);
      if (differs >= 0) return { status: DMA_STATUS_MISMATCH, done: done + differs };
      if (!read.ok) return { status: DMA_STATUS_READ_FAULT, done: done + read.done, faultIova: source + done + read.done };
    }
    return { status: DMA_STATUS_DONE, done: length };
  }

  save(): DeviceState {
    return { registers: this.registers.save() };
  }

  restore(state: DeviceState): void {
    this.registers.restore(stateFields(state, 'registers').registers);
    this.#showStream();
  }

  registerName(region: number, offset: number): string {
    return this.registers.nameAt(offset) ?? unnamedRegister(this.regions[region], offset);
  }
}
