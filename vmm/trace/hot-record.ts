// SPDX-License-Identifier: MIT
// Decodes the records of the trace ring (assembly/layout/trace-memory.ts).

import { CFG_NO_SSID } from '../../assembly/layout/config-cache-memory.ts';
import {
  TRACE_A,
  TRACE_B,
  TRACE_DOORBELL,
  TRACE_DOORBELL_CONTEXT,
  TRACE_DOORBELL_OFFSET,
  TRACE_KIND_DOORBELL,
  TRACE_KIND_PADDING,
  TRACE_KIND_RUN,
  TRACE_KIND_WALK,
  TRACE_REFUSED,
  TRACE_TIME,
  TRACE_UNIT,
  TRACE_WALK_CONFIGURED,
  TRACE_WALK_HOW,
  TRACE_WALK_PA,
  TRACE_WALK_SID,
  TRACE_WALK_SSID,
  TRACE_WALK_TAGS,
  TRACE_WHAT,
} from '../../assembly/layout/trace-memory.ts';
import { bitsOf } from '../../devices/plugin/index.ts';

/** Fields of every record. */
interface Common {
  /** Index of its first unit. */
  readonly index: number;
  /**
   * Milliseconds on the host's clock; undefined inside a burst, whose records do not read
   * the clock.
   */
  readonly at: number | undefined;
  /** Thread block of the unit that wrote it. */
  readonly thread: number;
  readonly smmu: number;
}

/** The register that was stored before a doorbell call. */
export interface Doorbell {
  /**
   * Command context: a VINTF, or from 64 on a vIOMMU, whose queues ring like this on the
   * overlay path.
   */
  readonly context: number;
  /** Byte offset in page 0, or in the slots of the vIOMMU's queues. */
  readonly offset: number;
}

/** A run of commands of one queue. */
export interface RunRecord extends Common {
  readonly kind: 'run';
  /** Index of the queue block. */
  readonly queue: number;
  /** Its duration, if it has a time. */
  readonly ms: number;
  /** Four words each. */
  readonly commands: readonly Uint32Array[];
  /** The last command was not executed: it is illegal, waits, or needs the host. */
  readonly refused: boolean;
  /** The doorbell that started it; undefined for a side core and for the host. */
  readonly doorbell: Doorbell | undefined;
}

/** A doorbell that executed nothing. */
export interface DoorbellRecord extends Common {
  readonly kind: 'doorbell';
  readonly doorbell: Doorbell;
}

/** A translation that missed the IOTLB. */
export interface WalkRecord extends Common {
  readonly kind: 'walk';
  /** TRANSLATE_* of assembly/layout/translate-results.ts. */
  readonly result: number;
  /** ID of its event, 0 for none. */
  readonly event: number;
  readonly streamId: number;
  readonly substreamId: number | undefined;
  readonly iova: bigint;
  /** ACCESS_* of assembly/layout/access.ts. */
  readonly access: number;
  /** From the configuration; undefined when there is none. */
  readonly tags: { readonly vmid: number; readonly asid: number } | undefined;
  /**
   * Including its window, and log2 of the size of the block in bytes; for a translation
   * that succeeded.
   */
  readonly pa: bigint;
  readonly log2size: number;
  /** IOTLB hits of the thread until then, modulo 2^32. */
  readonly hits: number;
}

export type HotRecord = RunRecord | DoorbellRecord | WalkRecord;

const COMMAND_WORDS = 4;

const doorbellOf = (word: number): Doorbell => ({
  context: bitsOf(word, TRACE_DOORBELL_CONTEXT),
  offset: bitsOf(word, TRACE_DOORBELL_OFFSET),
});

/**
 * Decodes the units of a record. `units` is a copy; undefined when it is not a record.
 */
export function recordAt(
  units: Uint32Array,
  index: number,
): HotRecord | { readonly kind: 'padding' } | undefined {
  const view = new DataView(units.buffer, units.byteOffset, units.byteLength);
  const word = (offset: number) => units[offset >> 2] ?? 0;
  if (units.length < TRACE_UNIT / 4) return undefined;
  const what = word(TRACE_WHAT);
  const common = {
    index,
    at: view.getFloat64(TRACE_TIME, true) || undefined,
    thread: (what >>> 8) & 0xff,
    smmu: (what >>> 16) & 0x7f,
  };
  const a = word(TRACE_A);
  switch (what & 0xff) {
    case TRACE_KIND_PADDING:
      return { kind: 'padding' };
    case TRACE_KIND_DOORBELL:
      return { ...common, kind: 'doorbell', doorbell: doorbellOf(word(TRACE_B)) };
    case TRACE_KIND_RUN: {
      const commands = Array.from({ length: (a & ~TRACE_REFUSED) >>> 0 }, (_, i) => {
        const at = TRACE_UNIT / 4 + i * COMMAND_WORDS;
        return units.subarray(at, at + COMMAND_WORDS);
      });
      const rung = word(TRACE_B + 4);
      const doorbell = rung & TRACE_DOORBELL ? doorbellOf(rung) : undefined;
      const ms = view.getFloat32(TRACE_B, true);
      return {
        ...common,
        kind: 'run',
        queue: what >>> 23,
        ms,
        commands,
        refused: (a & TRACE_REFUSED) !== 0,
        doorbell,
      };
    }
    case TRACE_KIND_WALK: {
      const how = word(TRACE_WALK_HOW);
      const ssid = word(TRACE_WALK_SSID);
      const tags = word(TRACE_WALK_TAGS);
      return {
        ...common,
        kind: 'walk',
        result: what >>> 23,
        event: how & 0xff,
        access: (how >>> 8) & 0xff,
        log2size: (how >>> 16) & 0xff,
        streamId: word(TRACE_WALK_SID),
        substreamId: ssid === CFG_NO_SSID ? undefined : ssid,
        iova: view.getBigUint64(TRACE_B, true),
        tags: how & TRACE_WALK_CONFIGURED ? { vmid: tags & 0xffff, asid: tags >>> 16 } : undefined,
        pa: view.getBigUint64(TRACE_WALK_PA, true),
        hits: a,
      };
    }
    default:
      return undefined;
  }
}
