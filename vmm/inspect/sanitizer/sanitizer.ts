// SPDX-License-Identifier: MIT
// The host's part of the sanitizer: collects suspects, and gives each the time that its
// invalidation may take. An entry that is still cached then is a finding
// (docs/sanitizer.md).

import {
  CHECK_AT_COMPARED,
  CHECK_AT_DROPPED,
  CHECK_AT_LOST,
  CHECK_AT_RING,
  CHECK_AT_SUSPECTS,
  CHECK_RING_SLOTS,
  SMMU_AT_CHECK,
  SUSPECT_FREE,
  SUSPECT_FULL,
  SUSPECT_SIZE,
  SUSPECT_STATE,
} from '../../../assembly/layout/check-memory.ts';
import {
  CFG_ENTRY_SIZE,
  CFG_NO_SSID,
  CFG_SET_GEN,
  CFG_SET_SEQ,
  CFG_SET_STRIDE,
  CFG_SETS,
  CFG_SID,
  CFG_SSID,
  CFG_VALID,
  CFG_WAYS,
  SMMU_AT_CFG_ENTRIES,
  SMMU_AT_CFG_SETS,
} from '../../../assembly/layout/config-cache-memory.ts';
import { TLB_ALL_GEN, TLB_GEN } from '../../../assembly/layout/iotlb-memory.ts';
import {
  LEVEL1_ALL_GEN,
  LEVEL1_KIND,
  LEVEL1_OF_CDS,
  LEVEL1_OF_STES,
  LEVEL1_SID,
  LEVEL1_SIZE,
  LEVEL1_VALUE,
  SHADOW_AT_ENTRIES,
  SHADOW_AT_LEVEL1,
  SHADOW_ENTRY_SIZE,
  SMMU_AT_SHADOW,
} from '../../../assembly/layout/shadow-memory.ts';
import type { Clock } from '../../../devices/bus/index.ts';
import { IotlbView } from '../iotlb-view.ts';
import { type Finding, findingOf, type StreamOwner } from './finding.ts';
import { missedChange } from './structure-changes.ts';
import { type ConfigSuspect, readSuspect, type TranslationSuspect } from './suspect.ts';

/**
 * The time that a driver waits for a CMD_SYNC: an invalidation that has not arrived by
 * then is not on its way.
 */
const GRACE_MS = 1000;
/** Maximum number of findings and suspects that are kept; more are only counted. */
const MAX_KEPT = 256;

/** A stale entry that may still be invalidated. */
interface Pending {
  readonly finding: Finding;
  readonly since: number;
  /** The physical StreamID that it belongs to. */
  readonly sid: number;
  /** True while the entry is still cached. */
  current(): boolean;
}

/** Counters of the sanitizer as plain data. */
export interface SanitizerCounts {
  /** Accesses whose cached entries were compared. */
  readonly compared: number;
  /**
   * Suspects: hits on entries that differ from memory, most of which are invalidated a
   * moment later.
   */
  readonly suspects: number;
  /** Verdicts dropped because an invalidation was executed in the meantime. */
  readonly dropped: number;
  /** Suspects lost because there were too many. */
  readonly lost: number;
}

export interface SanitizerOptions {
  readonly memory: WebAssembly.Memory;
  /** Byte offset of the SMMU block. */
  readonly smmu: number;
  readonly clock: Clock;
  ownerOf(sid: number): StreamOwner | undefined;
  /** `sid` is the physical StreamID. */
  onFinding(finding: Finding, sid: number): void;
  /** Called with a suspect that may still be invalidated. */
  onSuspect?(finding: Finding, sid: number): void;
}

export class Sanitizer {
  readonly findings: Finding[] = [];
  readonly #options: SanitizerOptions;
  readonly #words: Int32Array;
  readonly #longs: BigUint64Array;
  readonly #iotlb: IotlbView;
  readonly #shadow: IotlbView;
  readonly #check: number;
  #pending: Pending[] = [];
  #seen = 0;
  #lost = 0;
  /** Number of suspects that did not come through the ring. */
  #others = 0;

  constructor(options: SanitizerOptions) {
    this.#options = options;
    this.#words = new Int32Array(options.memory.buffer);
    this.#longs = new BigUint64Array(options.memory.buffer);
    this.#iotlb = new IotlbView(options.memory, options.smmu);
    this.#shadow = new IotlbView(options.memory, options.smmu, {
      offset: SMMU_AT_SHADOW + SHADOW_AT_ENTRIES,
      size: SHADOW_ENTRY_SIZE,
      keepsStage2: true,
    });
    this.#check = options.smmu + SMMU_AT_CHECK;
  }

  get counts(): SanitizerCounts {
    const at = (offset: number) => Atomics.load(this.#words, (this.#check + offset) >> 2);
    const lost = at(CHECK_AT_LOST);
    return {
      compared: at(CHECK_AT_COMPARED),
      suspects: at(CHECK_AT_SUSPECTS) + this.#others,
      dropped: at(CHECK_AT_DROPPED),
      lost: lost + this.#lost,
    };
  }

  /** Suspects whose stale entry is still cached now: its invalidation may come. */
  get suspects(): readonly Finding[] {
    return this.#pending.filter((pending) => pending.current()).map(({ finding }) => finding);
  }

  /**
   * Collects new suspects, and decides about those that are due. Call it often: it costs
   * one load when there are none.
   */
  poll(): void {
    this.#take();
    if (this.#pending.length === 0) return;
    const now = this.#now();
    this.#judge(({ since }) => now - since >= GRACE_MS);
  }

  /**
   * Decides now: the missing commands will not come any more.
   * @param concerns selects physical StreamIDs; default all.
   */
  reportSuspects(concerns: (sid: number) => boolean = () => true): void {
    this.#take();
    this.#judge(({ sid }) => concerns(sid));
  }

  /**
   * Adds a stale entry that is not in the SMMU's own caches. `current` returns whether it
   * is still stale.
   * @param sid the physical StreamID.
   */
  suspect(sid: number, finding: Finding, current: () => boolean): void {
    this.#others++;
    this.#add(sid, finding, current);
  }

  #add(sid: number, finding: Finding, current: () => boolean): void {
    this.#options.onSuspect?.(finding, sid);
    if (this.#pending.length < MAX_KEPT)
      this.#pending.push({ finding, since: this.#now(), sid, current });
    else this.#lost++;
  }

  #now(): number {
    return this.#options.clock.nowNs() / 1e6;
  }

  #take(): void {
    const count = Atomics.load(this.#words, (this.#check + CHECK_AT_SUSPECTS) >> 2);
    if (count === this.#seen) return;
    let left = false;
    for (let slot = 0; slot < CHECK_RING_SLOTS; slot++) {
      const at = this.#check + CHECK_AT_RING + slot * SUSPECT_SIZE;
      const state = Atomics.load(this.#words, (at + SUSPECT_STATE) >> 2);
      // One that is being written is collected the next time.
      left ||= state !== SUSPECT_FREE && state !== SUSPECT_FULL;
      if (state !== SUSPECT_FULL) continue;
      const suspect = readSuspect(new DataView(this.#options.memory.buffer, at, SUSPECT_SIZE));
      Atomics.store(this.#words, (at + SUSPECT_STATE) >> 2, SUSPECT_FREE);
      if (suspect.kind !== 'IOTLB' && suspect.readings && !missedChange(suspect)) continue;
      const current = () =>
        suspect.kind === 'IOTLB'
          ? this.#translationIsCached(suspect)
          : this.#configIsCached(suspect);
      this.#add(suspect.sid, findingOf(suspect, this.#options.ownerOf(suspect.sid)), current);
    }
    if (!left) this.#seen = count;
  }

  #judge(due: (pending: Pending) => boolean): void {
    const cached = this.#pending.filter((pending) => pending.current());
    this.#pending = cached.filter((pending) => !due(pending));
    for (const pending of cached.filter(due)) {
      if (this.findings.length < MAX_KEPT) this.findings.push(pending.finding);
      else this.#lost++;
      this.#options.onFinding(pending.finding, pending.sid);
    }
  }

  #translationIsCached({ index, generation, second, shadow }: TranslationSuspect): boolean {
    const entries = shadow ? this.#shadow : this.#iotlb;
    if (
      entries.doubleword(index, TLB_GEN) !== generation ||
      entries.doubleword(index, TLB_ALL_GEN) !== second
    )
      return false;
    return entries.isLive(index);
  }

  // A swept entry can only come back by an insert, which changes the sequence word. A
  // CFGI and an insert for another stream of the same set look the same; it then counts
  // as swept.
  #configIsCached(suspect: ConfigSuspect): boolean {
    const { index, sid, ssid, generation, second, readings } = suspect;
    if (suspect.level1Alone) return this.#level1IsCached(suspect);
    // Between two steps no command can arrive any more; otherwise the missing one is a
    // CFGI.
    if (readings) return readings.cfgis > 0 || this.#setGeneration(sid % CFG_SETS) === generation;
    const entry = this.#options.smmu + SMMU_AT_CFG_ENTRIES + index * CFG_ENTRY_SIZE;
    const set =
      this.#options.smmu + SMMU_AT_CFG_SETS + Math.floor(index / CFG_WAYS) * CFG_SET_STRIDE;
    const word = (address: number) => Atomics.load(this.#words, address >> 2) >>> 0;
    if (
      word(entry + CFG_VALID) === 0 ||
      word(entry + CFG_SID) !== sid ||
      word(entry + CFG_SSID) !== (ssid ?? CFG_NO_SSID)
    )
      return false;
    if (BigInt(word(set + CFG_SET_SEQ)) === second) return true;
    return this.#setGeneration(Math.floor(index / CFG_WAYS)) === generation;
  }

  #level1IsCached({ index, generation, second, level1 }: ConfigSuspect): boolean {
    const slot = this.#options.smmu + SMMU_AT_SHADOW + SHADOW_AT_LEVEL1 + index * LEVEL1_SIZE;
    const word = (offset: number) => Atomics.load(this.#words, (slot + offset) >> 2) >>> 0;
    const long = (offset: number) => Atomics.load(this.#longs, (slot + offset) >> 3);
    return (
      level1 !== undefined &&
      word(LEVEL1_KIND) === (level1.of === 'CD' ? LEVEL1_OF_CDS : LEVEL1_OF_STES) &&
      BigInt(word(LEVEL1_SID)) === second &&
      long(LEVEL1_ALL_GEN) === generation &&
      long(LEVEL1_VALUE) === level1.old
    );
  }

  #setGeneration(set: number): bigint {
    const at = this.#options.smmu + SMMU_AT_CFG_SETS + set * CFG_SET_STRIDE + CFG_SET_GEN;
    return Atomics.load(this.#longs, at >> 3);
  }
}
