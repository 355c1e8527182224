// SPDX-License-Identifier: MIT
// A virtio block device (virtio 1.2, section 5.2).

import { AnswerError, refusePromise } from '../plugin/answers.ts';
import { anyText } from '../plugin/option-kinds.ts';
import { checkDisk, type Disk } from './disk.ts';
import { type AccessEnd, isUnderWay } from './scattered-bytes.ts';
import type {
  RequestBuffers,
  RequestProgress,
  RequestWork,
  VirtioFunction,
} from './virtio-function.ts';

/**
 * Size of a sector in bytes: the unit of capacities and positions on a disk (virtio 1.2,
 * section 5.2.4).
 */
export const SECTOR_SIZE = 512;

const DEVICE_ID = 2;
const QUEUE_SIZE = 128;
const FEATURE_SEG_MAX = 1n << 2n;
const FEATURE_READ_ONLY = 1n << 5n;
const FEATURE_BLOCK_SIZE = 1n << 6n;
const FEATURE_FLUSH = 1n << 9n;

const TYPE_IN = 0;
const TYPE_OUT = 1;
const TYPE_FLUSH = 4;
const TYPE_GET_ID = 8;
const STATUS_OK = 0;
const STATUS_IO_ERROR = 1;
const STATUS_UNSUPPORTED = 2;

const HEADER_SIZE = 16;
const ID_SIZE = 20;
/** Bytes moved in one turn, which takes some 50 us. */
const TURN_BYTES = 0x8000;
/**
 * Maximum number of data segments of a request: those of an indirect table without header
 * and status.
 */
const SEGMENTS = QUEUE_SIZE - 2;

/** The configuration space (section 5.2.4). */
function configOf({ size }: Disk): Uint8Array {
  const config = new Uint8Array(0x3c);
  const view = new DataView(config.buffer);
  view.setBigUint64(0, BigInt(size / SECTOR_SIZE), true);
  view.setUint32(0x0c, SEGMENTS, true);
  view.setUint32(0x14, SECTOR_SIZE, true);
  return config;
}

/** Ends a request with its status byte, after the data that the device has written. */
function endWith(status: number, { writable }: RequestBuffers, written: number): RequestWork {
  const byte = Uint8Array.of(status);
  return () => {
    const end = writable.write(writable.length - 1, byte);
    return isUnderWay(end) ? end : written + (end === 'done' ? 1 : 0);
  };
}

/**
 * A disk has to work synchronously. Its errors are reported to the guest; a Promise is
 * its author's mistake.
 * @throws {AnswerError}
 */
function refuseLate(answer: unknown, name: string): void {
  refusePromise(`disk.${name}`, 'nothing, when it has done it', answer);
}

/** Transfers the sectors of one request, turn by turn. */
class Transfer {
  readonly #disk: Disk;
  readonly #buffers: RequestBuffers;
  readonly #isWrite: boolean;
  readonly #at: number;
  readonly #length: number;
  readonly #bytes: Uint8Array;
  readonly #finish: () => number;
  /** The data of the current part, until all of it has been moved. */
  #part: Uint8Array | undefined;
  #done = 0;
  #end: RequestWork | undefined;

  /**
   * @param range in bytes.
   * @param finish its status once all sectors are transferred.
   */
  constructor(
    disk: Disk,
    buffers: RequestBuffers,
    isWrite: boolean,
    { at, length }: { readonly at: number; readonly length: number },
    finish: () => number,
  ) {
    this.#disk = disk;
    this.#buffers = buffers;
    this.#isWrite = isWrite;
    this.#at = at;
    this.#length = length;
    this.#finish = finish;
    this.#bytes = new Uint8Array(Math.min(TURN_BYTES, length));
  }

  turn(): ReturnType<RequestWork> {
    if (this.#end) return this.#end();
    const moved = this.#move();
    if (isUnderWay(moved)) return moved;
    if (moved === 'done' && this.#done < this.#length) return 'more';
    const written = this.#isWrite ? 0 : this.#done;
    const status = moved === 'done' ? this.#finish() : STATUS_IO_ERROR;
    this.#end = endWith(status, this.#buffers, written);
    return this.#end();
  }

  #move(): AccessEnd {
    const { readable, writable } = this.#buffers;
    const at = this.#at + this.#done;
    try {
      if (!this.#part) {
        this.#part = this.#bytes.subarray(0, this.#length - this.#done);
        if (!this.#isWrite) refuseLate(this.#disk.read(at, this.#part), 'read');
      }
      const part = this.#part;
      const end = this.#isWrite
        ? readable.read(HEADER_SIZE + this.#done, part)
        : writable.write(this.#done, part);
      if (end !== 'done') return end;
      if (this.#isWrite) refuseLate(this.#disk.write(at, part), 'write');
      this.#done += part.length;
      this.#part = undefined;
      return 'done';
    } catch (error) {
      if (error instanceof AnswerError) throw error;
      return 'refused';
    }
  }
}

/**
 * A block device, for a transport such as `VirtioMmio`: a disk in sectors of 512 bytes.
 */
export class VirtioBlock implements VirtioFunction {
  readonly deviceId = DEVICE_ID;
  readonly supportsLegacy = true;
  readonly features: bigint;
  readonly queueSizes = [QUEUE_SIZE];
  readonly config: Uint8Array;
  readonly #disk: Disk;
  readonly #id: Uint8Array;

  /**
   * @param id the disk's serial number in the guest, up to 20 ASCII characters.
   * @throws {RangeError} when the disk's size is not a multiple of a sector.
   * @throws {TypeError} when the disk lacks a function, or `readOnly`.
   */
  constructor(disk: Disk, id: string) {
    checkDisk(disk, 'VirtioBlock: disk');
    if (!Number.isSafeInteger(disk.size) || disk.size <= 0 || disk.size % SECTOR_SIZE !== 0)
      throw new RangeError(
        `VirtioBlock: disk.size must be a multiple of ${SECTOR_SIZE} from ${SECTOR_SIZE} on, not ${disk.size}`,
      );
    anyText(id, 'VirtioBlock', 'id');
    this.#disk = disk;
    this.#id = new Uint8Array(ID_SIZE);
    this.#id.set(new TextEncoder().encode(id).subarray(0, ID_SIZE));
    this.features =
      FEATURE_SEG_MAX |
      FEATURE_BLOCK_SIZE |
      FEATURE_FLUSH |
      (disk.readOnly ? FEATURE_READ_ONLY : 0n);
    this.config = configOf(disk);
  }

  begin(
    _queue: number,
    buffers: RequestBuffers,
    _progress: RequestProgress,
    accepted: bigint,
  ): RequestWork {
    const { readable, writable } = buffers;
    // Without a status byte there is no way to report a result (section 5.2.6).
    if (writable.length === 0 || readable.length < HEADER_SIZE) return () => 0;
    const header = new DataView(new ArrayBuffer(HEADER_SIZE));
    const headerBytes = new Uint8Array(header.buffer);
    let work: RequestWork | undefined;
    return () => {
      if (!work) {
        const end = readable.read(0, headerBytes);
        if (isUnderWay(end)) return end;
        work =
          end === 'done'
            ? this.#request(header, buffers, (accepted & FEATURE_FLUSH) !== 0n)
            : endWith(STATUS_IO_ERROR, buffers, 0);
      }
      return work();
    };
  }

  /**
   * @param flushes the driver sends flushes; for others each write is one (section
   *   5.2.6.2).
   */
  #request(header: DataView, buffers: RequestBuffers, flushes: boolean): RequestWork {
    const sector = header.getBigUint64(8, true);
    switch (header.getUint32(0, true)) {
      case TYPE_IN:
        return this.#transfer(buffers, false, sector, () => STATUS_OK);
      case TYPE_OUT:
        return this.#transfer(buffers, true, sector, () => (flushes ? STATUS_OK : this.#flushed()));
      case TYPE_FLUSH:
        return endWith(this.#flushed(), buffers, 0);
      case TYPE_GET_ID:
        return this.#getId(buffers);
      default:
        return endWith(STATUS_UNSUPPORTED, buffers, 0);
    }
  }

  #transfer(
    buffers: RequestBuffers,
    isWrite: boolean,
    sector: bigint,
    finish: () => number,
  ): RequestWork {
    const { readable, writable } = buffers;
    const length = isWrite ? readable.length - HEADER_SIZE : writable.length - 1;
    const end = sector * BigInt(SECTOR_SIZE) + BigInt(length);
    const isRefused = isWrite && this.#disk.readOnly;
    if (isRefused || length % SECTOR_SIZE !== 0 || end > BigInt(this.#disk.size))
      return endWith(STATUS_IO_ERROR, buffers, 0);
    const at = Number(sector) * SECTOR_SIZE;
    const transfer = new Transfer(this.#disk, buffers, isWrite, { at, length }, finish);
    return () => transfer.turn();
  }

  #flushed(): number {
    try {
      refuseLate(this.#disk.flush(), 'flush');
      return STATUS_OK;
    } catch (error) {
      if (error instanceof AnswerError) throw error;
      return STATUS_IO_ERROR;
    }
  }

  #getId(buffers: RequestBuffers): RequestWork {
    const { writable } = buffers;
    const id = this.#id.subarray(0, Math.min(ID_SIZE, writable.length - 1));
    let ending: RequestWork | undefined;
    return () => {
      if (ending) return ending();
      const end = writable.write(0, id);
      if (isUnderWay(end)) return end;
      ending =
        end === 'done'
          ? endWith(STATUS_OK, buffers, id.length)
          : endWith(STATUS_IO_ERROR, buffers, 0);
      return ending();
    };
  }
}
