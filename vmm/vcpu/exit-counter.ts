// SPDX-License-Identifier: MIT
// The exit counter: counts each time that control leaves a guest for the VMM, by vCPU,
// kind and register.

import type { BusMount, RegisterCounter } from '../../devices/bus/bus.ts';
import { RegisterCounts } from '../../devices/bus/register-counts.ts';
import type { GuestMemory, TraceEvent } from '../../devices/plugin/index.ts';
import type { ExitView, Guest, ImportCalls } from './guest.ts';
import { TrappedBatches } from './trapped-batches.ts';

/** Kinds of exits that are counted. */
export const EXIT_KINDS = ['mmio', 'wasi', 'wait', 'clock'] as const;
/** The reason of an exit: a register, a WASI call, waiting, the clock. */
export type ExitKind = (typeof EXIT_KINDS)[number];

/** Counters as plain data. */
export interface ExitStatistics {
  readonly total: number;
  readonly byKind: Readonly<Record<ExitKind, number>>;
  /** MMIO exits by "device.REGISTER". */
  readonly byRegister: Readonly<Record<string, number>>;
  readonly byVcpu: readonly number[];
  /**
   * Exits for invalidations of translations, on any path: trapped accesses to PROD and
   * CONS that send a batch with TLBI or ATC_INV commands, or wait for it, while its queue
   * and the SMMU are enabled; and all exits between the first doorbell of a batch and its
   * last completion, if the guest marks its batches (`ABI_AT_INVALIDATING`).
   */
  readonly duringInvalidation: number;
  /** Those of them that are not for the CMDQ: 0 on the direct path. */
  readonly duringDirect: number;
}

/**
 * Called for each exit; for `mmio` with the register's place on the bus (mount and byte
 * offset in its region).
 */
export type ExitListener = (vcpu: number, kind: ExitKind, mount?: number, offset?: number) => void;

/**
 * A listener that turns exits into trace events, with the vCPU as their source. `mounts`
 * are those of the machine's bus.
 */
export function exitTrace(
  tell: (source: string, event: TraceEvent) => void,
  mounts: () => readonly BusMount[],
): ExitListener {
  return (vcpu, kind, mount, offset = 0) => {
    const at = mount === undefined ? undefined : mounts()[mount];
    const register = at && `${at.device.name}.${at.device.registerName(at.region, offset)}`;
    tell(`vCPU ${vcpu}`, { name: `exit ${kind}`, ...(register && { register }) });
  };
}

const MMIO = EXIT_KINDS.indexOf('mmio');

export class ExitCounter implements RegisterCounter {
  readonly #counts: Float64Array;
  readonly #registers = new RegisterCounts();
  readonly #view: ExitView;
  readonly #batches: TrappedBatches;
  readonly #listener: ExitListener | undefined;
  /** vCPU of the current exit, and whether the guest has marked it. */
  #vcpu = 0;
  #isMarked = false;
  #total = 0;
  #duringCmdq = 0;
  #duringDirect = 0;

  /**
   * @param view shows the guest its exits, and has the guest's marks.
   * @param batches recognizes exits for invalidations that are not marked.
   */
  constructor(view: ExitView, vcpus: number, batches: TrappedBatches, listener?: ExitListener) {
    this.#view = view;
    this.#batches = batches;
    this.#listener = listener;
    this.#counts = new Float64Array(vcpus * EXIT_KINDS.length);
  }

  /** Counts one exit; `kind` is an index into EXIT_KINDS. */
  count(vcpu: number, kind: number): void {
    const slot = vcpu * EXIT_KINDS.length + kind;
    this.#counts[slot] = (this.#counts[slot] ?? 0) + 1;
    this.#total++;
    this.#vcpu = vcpu;
    // A register access is reported when its register is known.
    if (kind !== MMIO) this.#listener?.(vcpu, EXIT_KINDS[kind] ?? 'mmio');
    this.#view.counted(vcpu, this.#total);
    this.#isMarked = this.#view.isInvalidating(vcpu);
    if (this.#isMarked) this.#duringDirect++;
  }

  countRegister(mount: number, offset: number, stored?: number): void {
    this.#registers.countRegister(mount, offset);
    this.#listener?.(this.#vcpu, 'mmio', mount, offset);
    const queue = this.#batches.access(mount, offset, stored);
    if (queue === undefined || this.#isMarked) return;
    if (queue === 'cmdq') this.#duringCmdq++;
    else this.#duringDirect++;
  }

  /** The machine has been reset: the counts are kept. */
  machineReset(): void {
    this.#batches.reset();
  }

  get total(): number {
    return this.#total;
  }

  /** The same exits from an independent counter; undefined when the guest has none. */
  get importCalls(): ImportCalls | undefined {
    return this.#view.importCalls;
  }

  get duringInvalidation(): number {
    return this.#duringCmdq + this.#duringDirect;
  }

  /** `mounts` are those of the bus whose exits are counted. */
  statistics(mounts: readonly BusMount[]): ExitStatistics {
    const sums = EXIT_KINDS.map((_, kind) =>
      this.#sum((slot) => slot % EXIT_KINDS.length === kind),
    );
    return {
      total: this.#total,
      byKind: Object.fromEntries(EXIT_KINDS.map((kind, i) => [kind, sums[i] ?? 0])) as Record<
        ExitKind,
        number
      >,
      byRegister: this.#registers.byName(mounts),
      byVcpu: Array.from({ length: this.#counts.length / EXIT_KINDS.length }, (_, vcpu) =>
        this.#sum((slot) => Math.floor(slot / EXIT_KINDS.length) === vcpu),
      ),
      duringInvalidation: this.duringInvalidation,
      duringDirect: this.#duringDirect,
    };
  }

  #sum(wanted: (slot: number) => boolean): number {
    return this.#counts.reduce((sum, count, slot) => (wanted(slot) ? sum + count : sum), 0);
  }
}

/**
 * The exit counter of a machine.
 * @param memory the guest's, by gpa.
 * @param mounts those of the machine's bus.
 * @param tell called with each exit as a trace event.
 */
export function exitCounterOf(
  { exits, vcpus }: Pick<Guest, 'exits' | 'vcpus'>,
  memory: Pick<GuestMemory, 'load64'>,
  mounts: () => readonly BusMount[],
  tell: ((source: string, event: TraceEvent) => void) | undefined,
): ExitCounter {
  const batches = new TrappedBatches(mounts, memory);
  return new ExitCounter(exits, vcpus, batches, tell && exitTrace(tell, mounts));
}
