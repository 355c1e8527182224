// The sanitizer of a host: one for each SMMU, and the STEs of guests, which no SMMU of the host reads.

import type { Clock } from '../../../devices/bus/index.ts';
import type { Vm } from '../../../host/kernel/vm.ts';
import type { BeyondShown, InspectedSmmu } from '../inspected.ts';
import { type Finding, guestSteFinding } from './finding.ts';
import { Sanitizer, type SanitizerCounts } from './sanitizer.ts';
import { type UnadvertisedUse, unadvertisedUses } from './unadvertised-use.ts';

const NOTHING: BeyondShown = { commands: 0, cds: 0, tables: 0 };

export interface HostSanitizerOptions {
  readonly memory: WebAssembly.Memory;
  /** Byte offsets of the SMMU blocks. */
  readonly blocks: readonly number[];
  readonly clock: Clock;
  viommus(): Iterable<InspectedSmmu>;
  /** `vm` is the one whose stream it is, if any. */
  onFinding(finding: Finding, vm: Vm | undefined): void;
  onSuspect(finding: Finding, vm: Vm | undefined): void;
}

export class HostSanitizer {
  readonly #options: HostSanitizerOptions;
  /** By SMMU block. */
  readonly #sanitizers: ReadonlyMap<number, Sanitizer>;
  /** Readings of guests' STEs that are suspected already. */
  readonly #suspected = new WeakSet<object>();
  /** What guests have used that their own SMMUs lack, each kind once for each of these. */
  readonly unadvertised: UnadvertisedUse[] = [];
  readonly #beyond = new WeakMap<InspectedSmmu, BeyondShown>();

  constructor(options: HostSanitizerOptions) {
    this.#options = options;
    const { memory, blocks, clock } = options;
    const one = (smmu: number) =>
      new Sanitizer({
        memory,
        smmu,
        clock,
        ownerOf: (sid) => {
          const { viommu, streamId } = this.#streamOf(smmu, sid) ?? {};
          return viommu && streamId !== undefined ? { machine: viommu.owner, streamId } : undefined;
        },
        onFinding: (finding, sid) =>
          options.onFinding(finding, this.#streamOf(smmu, sid)?.viommu.vm),
        onSuspect: (finding, sid) =>
          options.onSuspect(finding, this.#streamOf(smmu, sid)?.viommu.vm),
      });
    this.#sanitizers = new Map(blocks.map((smmu) => [smmu, one(smmu)]));
  }

  /** The vIOMMU of a physical StreamID, and the number that its guest knows. */
  #streamOf(smmu: number, sid: number): { viommu: InspectedSmmu; streamId: number } | undefined {
    for (const viommu of this.#options.viommus()) {
      if (viommu.smmuBlock !== smmu) continue;
      for (const [streamId, physSid] of viommu.streams)
        if (physSid === sid) return { viommu, streamId };
    }
    return undefined;
  }

  /** What has been found. */
  get findings(): readonly Finding[] {
    return [...this.#sanitizers.values()].flatMap(({ findings }) => findings);
  }

  /** Counts of all SMMUs together. */
  get counts(): SanitizerCounts {
    const counts = [...this.#sanitizers.values()].map((sanitizer) => sanitizer.counts);
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
    for (const sanitizer of this.#sanitizers.values()) sanitizer.poll();
    this.#takeUnadvertised();
  }

  #takeUnadvertised(): void {
    for (const viommu of this.#options.viommus()) {
      const { beyond } = viommu.shown;
      const known = this.#beyond.get(viommu) ?? NOTHING;
      this.#beyond.set(viommu, beyond);
      this.unadvertised.push(...unadvertisedUses(viommu.owner, beyond, known));
    }
  }

  /**
   * Judges what is suspected: the missing commands will not come any more.
   * @param vm of this VM's streams; default of all.
   */
  settle(vm?: Vm): void {
    this.#takeUnadvertised();
    for (const [smmu, sanitizer] of this.#sanitizers) {
      sanitizer.settle((sid) => vm === undefined || this.#streamOf(smmu, sid)?.viommu.vm === vm);
    }
  }

  /**
   * Behind an access of a guest's stream: its STE is read by its vSMMU, whose last
   * reading is what counts as cached.
   */
  checkSte(viommu: InspectedSmmu, streamId: number, iova: number): void {
    const change = viommu.staleSte(streamId);
    const physSid = viommu.streams.get(streamId);
    if (!change || physSid === undefined || this.#suspected.has(change.reading)) return;
    this.#suspected.add(change.reading);
    const finding = guestSteFinding({ machine: viommu.owner, streamId }, iova, change);
    this.#sanitizers.get(viommu.smmuBlock)?.suspect(physSid, finding, change.current);
  }
}
