// SPDX-License-Identifier: MIT
// A bus master's access to memory: every access goes through the physical IOMMU, page by
// page, with the stream's physical StreamID (an AMD IOMMU's DeviceID).

import { ACCESS_ATOMIC, ACCESS_NO_SSID, ACCESS_WRITE } from '../../assembly/layout/access.ts';
import { SMMU_AT_PARKED } from '../../assembly/layout/smmu-memory.ts';
import { STALL_ABORT, STALL_RAZWI, STALL_WAITING } from '../../assembly/layout/stall-memory.ts';
import {
  TRANSLATE_ABORT,
  TRANSLATE_OK,
  TRANSLATE_RAZWI,
  TRANSLATE_STALLED,
  TRANSLATE_WAIT,
} from '../../assembly/layout/translate-results.ts';
import type { TranslateResult } from '../../assembly/unit-exports.ts';
import { answeredFlag, refuseAnswer } from '../plugin/answers.ts';
import { type DmaAttributes, type DmaPort, type DmaResult, isPasid } from '../plugin/index.ts';
import { typeOf } from '../plugin/known-names.ts';
import { checkBytes, checkInteger } from '../plugin/known-values.ts';
import { checkOptions } from '../plugin/option-kinds.ts';
import {
  ATTRIBUTES,
  type AtcPort,
  accessOf,
  type DmaStream,
  isInterrupt,
  STREAM,
} from './dma-stream.ts';

/** The smallest page: a translation covers all of it. */
const PAGE = 4096;
/**
 * Maximum size of an access in flight: a CMD_SYNC of another thread waits until it has
 * been copied.
 */
const MAX_ACCESS = 16 * PAGE;
/** An MSI is a 32-bit write. */
const MSI_SIZE = 4;

/** Number of pages that the record of a hint can express. */
const MOST_HINTED = 255;
/** Maximum number of records of one hint. */
const MOST_HINTS = 16;

// Why an access in flight has not moved all its bytes; added to the number of bytes
// moved.
const REFUSED = 1 << 20;
const STALLED = 1 << 21;
const MOVED = REFUSED - 1;

/**
 * At most `length` bytes from `from` on; the array itself if that is all of it, which
 * saves a view.
 */
function pieceOf(bytes: Uint8Array, from: number, length: number): Uint8Array {
  return from === 0 && length >= bytes.length ? bytes : bytes.subarray(from, from + length);
}

/**
 * Bytes from an address to the end of its page. The remainder operator is slow above
 * 2^31.
 */
function leftInPage(address: number): number {
  return PAGE - (address & (PAGE - 1));
}

/** An access that the IOMMU has stalled. */
interface StalledAccess {
  readonly iova: number;
  readonly ssid: number;
  /** ACCESS_*. */
  readonly access: number;
  readonly stag: number;
}

/** The DMA port of a stream. */
export class StreamDmaPort implements DmaPort {
  readonly streamId: number;
  readonly ats: AtcPort | undefined;
  readonly #stream: DmaStream;
  readonly #host: Uint32Array;
  readonly #stalled: StalledAccess[] = [];
  /** The attributes of the last access, whose names and types have been checked. */
  #checked: DmaAttributes | undefined;

  /** @throws {TypeError} when the stream has an unknown field. */
  constructor(stream: DmaStream) {
    checkOptions(stream, STREAM, 'StreamDmaPort', ['unit', 'memory', 'smmu', 'virtSid', 'physSid']);
    this.streamId = stream.virtSid;
    this.#stream = stream;
    this.ats = stream.ats;
    this.#host = new Uint32Array(stream.unit.hostMemory.buffer);
  }

  read(iova: number, target: Uint8Array, attributes?: DmaAttributes): DmaResult {
    return this.#transfer(iova, target, false, attributes);
  }

  write(iova: number, source: Uint8Array, attributes?: DmaAttributes): DmaResult {
    return this.#transfer(iova, source, true, attributes);
  }

  #transfer(
    iova: number,
    bytes: Uint8Array,
    write: boolean,
    attributes: DmaAttributes | undefined,
  ): DmaResult {
    // A guest chooses addresses and lengths; a value that is not such a number is a
    // mistake of the device.
    if (!Number.isInteger(iova) || iova < 0)
      checkInteger(iova, 0, Number.MAX_SAFE_INTEGER, 'DmaPort: iova');
    if (!(bytes instanceof Uint8Array))
      checkBytes(bytes, `DmaPort: ${write ? 'source' : 'target'}`);
    if (attributes !== this.#checked) {
      if (attributes !== undefined) checkOptions(attributes, ATTRIBUTES, 'DmaPort');
      this.#checked = attributes;
    }
    const { core } = this.#stream.unit;
    const pasid = attributes?.pasid;
    if (pasid !== undefined && !isPasid(pasid)) return { ok: false, done: 0 };
    const ssid = pasid ?? ACCESS_NO_SSID;
    const access = accessOf(write, attributes);
    let done = 0;
    while (done < bytes.length) {
      const at = iova + done;
      const inPage = leftInPage(at);
      const several = bytes.length - done > inPage && this.#translatesSeveral();
      const part = pieceOf(bytes, done, several ? MAX_ACCESS : inPage);
      // In flight from the lookup to the last byte: a CMD_SYNC after an invalidation of
      // these translations waits for that, and for nothing else.
      core.accessBegin();
      let moved: number;
      try {
        moved = several
          ? this.#accessPages(at, part, ssid, access)
          : this.#accessPage(at, part, ssid, access);
      } finally {
        // An interrupt controller that throws must not block every CMD_SYNC of the host.
        core.accessEnd();
      }
      this.#serveParked();
      this.#stream.onAccess?.(at);
      done += moved & MOVED;
      if ((moved & STALLED) !== 0) return { ok: false, done, stalled: true };
      if ((moved & REFUSED) !== 0) return { ok: false, done };
    }
    return { ok: true, done };
  }

  hint(iova: number, length: number, write: boolean, attributes?: DmaAttributes): void {
    if (!Number.isInteger(iova) || iova < 0)
      checkInteger(iova, 0, Number.MAX_SAFE_INTEGER, 'DmaPort: iova');
    checkInteger(length, 0, Number.MAX_SAFE_INTEGER, 'DmaPort: length');
    if (typeof write !== 'boolean')
      throw new TypeError(`DmaPort: write must be true or false, not ${typeOf(write)}`);
    if (attributes !== undefined) checkOptions(attributes, ATTRIBUTES, 'DmaPort');
    const pasid = attributes?.pasid;
    if (!(length > 0) || (pasid !== undefined && !isPasid(pasid))) return;
    // A hint may have no effect: pages beyond a few records are left out.
    const { unit, smmu, physSid } = this.#stream;
    const { core } = unit;
    const access = accessOf(write, attributes);
    const end = iova + Math.min(length, MOST_HINTS * MOST_HINTED * PAGE);
    // The stream's configuration is in use, as for an access.
    core.accessBegin();
    try {
      for (let at = iova - (PAGE - leftInPage(iova)); at < end; at += MOST_HINTED * PAGE) {
        const pages = Math.min(MOST_HINTED, Math.ceil((end - at) / PAGE));
        const high = Math.floor(at / 2 ** 32);
        core.pageHint?.(smmu, physSid, pasid ?? ACCESS_NO_SSID, at | 0, high, access, pages);
      }
    } finally {
      core.accessEnd();
    }
    this.#serveParked();
  }

  abandon(): void {
    this.ats?.abandon();
    const { unit, smmu, physSid } = this.#stream;
    for (const { stag } of this.#stalled) unit.core.stallAbandon?.(smmu, physSid, stag);
    this.#stalled.length = 0;
  }

  /** The response to a stalled access; undefined when it has to be translated. */
  #answer(iova: number, ssid: number, access: number): TranslateResult | undefined {
    const { unit, smmu, physSid } = this.#stream;
    const stalled = this.#stalled;
    if (stalled.length === 0) return undefined;
    const index = stalled.findIndex(
      (one) => one.iova === iova && one.ssid === ssid && one.access === access,
    );
    const found = stalled[index];
    if (!found) return undefined;
    const answer = unit.core.stallAnswer?.(smmu, physSid, found.stag);
    if (answer === STALL_WAITING) return TRANSLATE_WAIT;
    stalled.splice(index, 1);
    if (answer === STALL_RAZWI) return TRANSLATE_RAZWI;
    return answer === STALL_ABORT ? TRANSLATE_ABORT : undefined;
  }

  #translate(iova: number, ssid: number, access: number): TranslateResult {
    const { unit, smmu, physSid } = this.#stream;
    const high = Math.floor(iova / 2 ** 32);
    const result = unit.translate(smmu, physSid, ssid, iova | 0, high, access);
    if (result === TRANSLATE_STALLED) this.#stall(iova, ssid, access);
    return result;
  }

  /** Stores an access that the IOMMU has just stalled. */
  #stall(iova: number, ssid: number, access: number): void {
    this.#stalled.push({ iova, ssid, access, stag: this.#stream.unit.threadBlock.stag });
  }

  /**
   * True when an access may be translated beyond its page: no page has to go through an
   * ATC or a range of interrupts, no access is stalled, and nobody listens to accesses.
   */
  #translatesSeveral(): boolean {
    const { interrupts, onAccess, unit } = this.#stream;
    return (
      unit.core.translateSegments !== undefined &&
      interrupts === undefined &&
      onAccess === undefined &&
      this.#stalled.length === 0 &&
      !this.ats?.enabled
    );
  }

  /**
   * An access that begins in one page and extends beyond it: returns bytes moved, and how
   * it ended.
   */
  #accessPages(iova: number, bytes: Uint8Array, ssid: number, access: number): number {
    const { smmu, physSid, unit } = this.#stream;
    const { core, segments } = unit;
    const write = (access & ACCESS_WRITE) !== 0;
    const [low, high] = [iova | 0, Math.floor(iova / 2 ** 32)];
    const result =
      core.translateSegments?.(smmu, physSid, ssid, low, high, access, bytes.length) ??
      TRANSLATE_ABORT;
    const { count } = segments;
    let done = 0;
    for (let i = 0; i < count; i++) {
      const length = segments.length(i);
      const moved = this.#move(segments.pa(i), pieceOf(bytes, done, length), write);
      done += moved;
      if (moved < length) return done | REFUSED;
    }
    if (result === TRANSLATE_OK) return done;
    const at = iova + done;
    if (result === TRANSLATE_STALLED) this.#stall(at, ssid, access);
    return done + this.#withoutAddress(result, pieceOf(bytes, done, leftInPage(at)), write);
  }

  /**
   * One access within a page: returns bytes moved, and how it ended. In PCIe, privilege
   * and instruction fetches require a PASID: an access that has them without one goes to
   * the IOMMU untranslated, like every access while ATS is disabled. So does an atomic
   * operation.
   */
  #accessPage(iova: number, bytes: Uint8Array, ssid: number, access: number): number {
    const { interrupts, unit } = this.#stream;
    const { threadBlock } = unit;
    const write = (access & ACCESS_WRITE) !== 0;
    if (interrupts && ssid === ACCESS_NO_SSID && isInterrupt(interrupts, iova)) {
      const pa = interrupts.pa + iova - interrupts.iova;
      const plain = write && (access & ACCESS_ATOMIC) === 0;
      return plain && this.#sendMsi(pa, bytes) ? bytes.length : REFUSED;
    }
    const isRequest =
      (access & ACCESS_ATOMIC) === 0 && (ssid !== ACCESS_NO_SSID || (access & ~ACCESS_WRITE) === 0);
    const result =
      isRequest && this.ats?.enabled
        ? this.ats.translate(iova, ssid, access)
        : (this.#answer(iova, ssid, access) ?? this.#translate(iova, ssid, access));
    if (result !== TRANSLATE_OK) return this.#withoutAddress(result, bytes, write);
    const pa = threadBlock.paWindow * 2 ** 32 + threadBlock.paAddress;
    return this.#movePiece(pa, bytes, write) ? bytes.length : REFUSED;
  }

  /** The outcome of an access within a page for which the IOMMU has no address. */
  #withoutAddress(result: TranslateResult, bytes: Uint8Array, write: boolean): number {
    if (result === TRANSLATE_RAZWI) {
      if (!write) bytes.fill(0);
      return bytes.length;
    }
    return result === TRANSLATE_STALLED || result === TRANSLATE_WAIT ? STALLED : REFUSED;
  }

  /**
   * Moves bytes from or to a PA, page by page when they are not contiguous in memory.
   * Returns how many.
   */
  #move(pa: number, bytes: Uint8Array, write: boolean): number {
    if (this.#copy(pa, bytes, write)) return bytes.length;
    let done = 0;
    while (done < bytes.length) {
      const piece = pieceOf(bytes, done, leftInPage(pa + done));
      if (!this.#movePiece(pa + done, piece, write)) break;
      done += piece.length;
    }
    return done;
  }

  /** Moves bytes from or to a PA; false for an external abort. */
  #movePiece(pa: number, bytes: Uint8Array, write: boolean): boolean {
    return this.#copy(pa, bytes, write) || (write && this.#sendMsi(pa, bytes));
  }

  /** Copies bytes from or to memory; false unless all of the range is memory. */
  #copy(pa: number, bytes: Uint8Array, write: boolean): boolean {
    const found = this.#stream.memory.bytes(pa, bytes.length);
    if (!found) return false;
    if (!(found instanceof Uint8Array) || found.length !== bytes.length)
      refuseAnswer('memory.bytes', `the ${bytes.length} bytes that it is asked for`, found);
    if (write) found.set(bytes);
    else bytes.set(found);
    return true;
  }

  /** A 32-bit write to an address that is not memory; false for an external abort. */
  #sendMsi(pa: number, bytes: Uint8Array): boolean {
    if (bytes.length !== MSI_SIZE) return false;
    const data = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    const { memory, virtSid } = this.#stream;
    return !!memory.write32 && answeredFlag(memory.write32(pa, data, virtSid), 'memory.write32');
  }

  /** Serves queues parked at a CMD_SYNC, which may have waited for this access last. */
  #serveParked(): void {
    const { unit, smmu } = this.#stream;
    if (Atomics.load(this.#host, (smmu + SMMU_AT_PARKED) >> 2) !== 0) unit.drain.serveParked(smmu);
  }
}
