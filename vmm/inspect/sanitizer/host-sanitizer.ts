// SPDX-License-Identifier: MIT
// The sanitizer of a host: one per SMMU, including those that guests own, and one for the
// STEs of guests, which no SMMU of the host reads.

import type { Clock } from '../../../devices/bus/index.ts';
import type { RereadSte, StaleSte } from '../../../devices/smmuv3/index.ts';
import { steDoublewordsInUse } from '../../../host/kernel/index.ts';
import type { Vm } from '../../../host/kernel/vm.ts';
import type { BeyondShown, InspectedSmmu } from '../inspected.ts';
import { BETWEEN_STEPS, type Finding, guestLevel1Finding, guestSteFinding } from './finding.ts';
import { Sanitizer, type SanitizerCounts } from './sanitizer.ts';
import { wordsOf } from './structure-changes.ts';
import { type UnadvertisedUse, unadvertisedUses } from './unadvertised-use.ts';

const NOTHING: BeyondShown = { commands: 0, cds: 0, tables: 0 };

/** The owner of a finding: a VM, or the guest that owns an SMMU. */
export type FindingOwner = Vm | InspectedSmmu;

export interface HostSanitizerOptions {
  readonly memory: WebAssembly.Memory;
  /** Byte offsets of the SMMU blocks. */
  readonly blocks: readonly number[];
  readonly clock: Clock;
  viommus(): Iterable<InspectedSmmu>;
  /** `owner` is the owner of the stream, if any. */
  onFinding(finding: Finding, owner: FindingOwner | undefined): void;
  onSuspect(finding: Finding, owner: FindingOwner | undefined): void;
}

/** An SMMU: its block, and its sanitizer. */
interface Watched {
  readonly memory: WebAssembly.Memory;
  readonly smmu: number;
  readonly sanitizer: Sanitizer;
}

const ownerOf = (smmu: InspectedSmmu): FindingOwner => smmu.vm ?? smmu;

export class HostSanitizer {
  readonly #options: HostSanitizerOptions;
  readonly #watched = new Set<Watched>();
  /** SMMUs that guests own. */
  readonly #owned = new Set<InspectedSmmu>();
  /** Results of SMMUs that no longer exist. */
  readonly #past: { findings: Finding[]; counts: SanitizerCounts[] } = { findings: [], counts: [] };
  /** Readings of guests' STEs that are suspects already. */
  readonly #suspected = new WeakSet<object>();
  /** Readings of guests' STEs that an access has used. */
  readonly #used = new WeakSet<object>();
  /** What guests have used that their own SMMUs lack, each kind once per SMMU. */
  readonly unadvertised: UnadvertisedUse[] = [];
  readonly #beyond = new WeakMap<InspectedSmmu, BeyondShown>();

  constructor(options: HostSanitizerOptions) {
    this.#options = options;
    for (const smmu of options.blocks) this.#add(options.memory, smmu);
  }

  #add(memory: WebAssembly.Memory, smmu: number): Watched {
    const { clock, onFinding, onSuspect } = this.#options;
    const streamOf = (sid: number) => this.#streamOf(memory, smmu, sid);
    const owner = (sid: number) => {
      const stream = streamOf(sid);
      return stream && ownerOf(stream.viommu);
    };
    const sanitizer = new Sanitizer({
      memory,
      smmu,
      clock,
      ownerOf: (sid) => {
        const { viommu, streamId } = streamOf(sid) ?? {};
        return viommu && streamId !== undefined ? { machine: viommu.owner, streamId } : undefined;
      },
      onFinding: (finding, sid) => onFinding(finding, owner(sid)),
      onSuspect: (finding, sid) => onSuspect(finding, owner(sid)),
    });
    const watched = { memory, smmu, sanitizer };
    this.#watched.add(watched);
    return watched;
  }

  /**
   * Starts to check an SMMU that a guest owns.
   * @returns a function that stops it; the findings are kept.
   */
  watch(owned: InspectedSmmu): () => void {
    this.#owned.add(owned);
    const watched = this.#add(owned.hostMemory, owned.smmuBlock);
    return () => {
      const { sanitizer } = watched;
      sanitizer.reportSuspects();
      this.#past.findings.push(...sanitizer.findings);
      this.#past.counts.push(sanitizer.counts);
      this.#watched.delete(watched);
      this.#owned.delete(owned);
    };
  }

  #viommus(): readonly InspectedSmmu[] {
    return [...this.#options.viommus(), ...this.#owned];
  }

  /** The vIOMMU of a physical StreamID, and the StreamID that its guest uses. */
  #streamOf(
    memory: WebAssembly.Memory,
    smmu: number,
    sid: number,
  ): { viommu: InspectedSmmu; streamId: number } | undefined {
    for (const viommu of this.#viommus()) {
      if (viommu.hostMemory !== memory || viommu.smmuBlock !== smmu) continue;
      for (const [streamId, physSid] of viommu.streams)
        if (physSid === sid) return { viommu, streamId };
    }
    return undefined;
  }

  /** The findings so far. */
  get findings(): readonly Finding[] {
    const now = [...this.#watched].flatMap(({ sanitizer }) => sanitizer.findings);
    return [...this.#past.findings, ...now];
  }

  /** Suspects of all SMMUs whose stale entry is still cached at this moment. */
  get suspects(): readonly Finding[] {
    return [...this.#watched].flatMap(({ sanitizer }) => sanitizer.suspects);
  }

  /** Sums of the counters of all SMMUs. */
  get counts(): SanitizerCounts {
    const now = [...this.#watched].map(({ sanitizer }) => sanitizer.counts);
    const counts = [...this.#past.counts, ...now];
    const sum = (of: (one: SanitizerCounts) => number) =>
      counts.reduce((total, one) => total + of(one), 0);
    return {
      compared: sum(({ compared }) => compared),
      suspects: sum(({ suspects }) => suspects),
      dropped: sum(({ dropped }) => dropped),
      lost: sum(({ lost }) => lost),
    };
  }

  poll(): void {
    for (const { sanitizer } of this.#watched) sanitizer.poll();
    this.#takeUnadvertised();
  }

  #takeUnadvertised(): void {
    for (const viommu of this.#viommus()) {
      const { beyond } = viommu.shown;
      const known = this.#beyond.get(viommu) ?? NOTHING;
      this.#beyond.set(viommu, beyond);
      this.unadvertised.push(...unadvertisedUses(viommu.owner, beyond, known));
    }
  }

  /**
   * Decides about all suspects: the missing commands will not come any more.
   * @param owner only of its streams; default of all.
   */
  reportSuspects(owner?: FindingOwner): void {
    this.#takeUnadvertised();
    for (const { memory, smmu, sanitizer } of this.#watched) {
      sanitizer.reportSuspects((sid) => {
        const stream = this.#streamOf(memory, smmu, sid);
        return owner === undefined || (stream && ownerOf(stream.viommu)) === owner;
      });
    }
  }

  /**
   * Called after an access of a guest's stream. The vSMMU reads its STE, and its last
   * reading counts as cached.
   */
  checkSte(viommu: InspectedSmmu, streamId: number, iova: number): void {
    const stes = viommu.guestStes;
    if (!stes) return;
    const reread = stes.reread(streamId);
    if (reread) {
      const { before, reading, old, now } = reread;
      const doublewords = steDoublewordsInUse(wordsOf(old), wordsOf(now)).length;
      // The SMMU can only combine both if an access has used the former reading.
      if (doublewords > 1 && this.#used.has(before) && !this.#used.has(reading))
        this.#suspectSte(viommu, streamId, iova, reread, () => true, BETWEEN_STEPS);
    }
    const reading = stes.reading(streamId);
    if (reading) this.#used.add(reading);
    const level1 = stes.staleLevel1(streamId);
    if (level1) {
      // The command that it needs makes the SMMU read the STE, too.
      if (this.#suspected.has(level1.reading)) return;
      this.#suspected.add(level1.reading);
      const owner = { machine: viommu.owner, streamId };
      const finding = guestLevel1Finding(owner, iova, level1);
      this.#suspect(viommu, streamId, finding, level1.current);
      return;
    }
    const change = stes.stale(streamId);
    if (!change || this.#suspected.has(change.reading)) return;
    this.#suspected.add(change.reading);
    this.#suspectSte(viommu, streamId, iova, change, change.current);
  }

  #suspectSte(
    viommu: InspectedSmmu,
    streamId: number,
    iova: number,
    change: RereadSte | StaleSte,
    current: () => boolean,
    because?: string,
  ): void {
    const finding = guestSteFinding({ machine: viommu.owner, streamId }, iova, change, because);
    this.#suspect(viommu, streamId, finding, current);
  }

  #suspect(
    viommu: InspectedSmmu,
    streamId: number,
    finding: Finding,
    current: () => boolean,
  ): void {
    const physSid = viommu.streams.get(streamId);
    if (physSid === undefined) return;
    for (const { memory, smmu, sanitizer } of this.#watched) {
      if (memory === viommu.hostMemory && smmu === viommu.smmuBlock)
        sanitizer.suspect(physSid, finding, current);
    }
  }
}
