// SPDX-License-Identifier: MIT
// What the page and the VMM's worker tell each other: plain data only.

import type { MeasuredPath } from '../vmm/report/measurements.ts';
import type { Settings } from './demo-settings.ts';

/** An entry of a command ring. */
export interface EntryPicture {
  /** Index in the ring. */
  readonly slot: number;
  /** Behind CONS; at CONS, with commands to come; between CONS and PROD; not written yet. */
  readonly state: 'done' | 'next' | 'pending' | 'empty';
  readonly name: string;
  readonly operands: string;
  readonly summary: string;
}

export interface QueuePicture {
  /** "VCMDQ 0", or "CMDQ". */
  readonly name: string;
  /** Direct and overlay: its PROD and CONS lie in guest memory, and a store to PROD is no exit. */
  readonly path: MeasuredPath;
  readonly enabled: boolean;
  /** Entries. */
  readonly size: number;
  /** Registers as the guest would read them: index and wrap bit, without error and flags. */
  readonly prod: number;
  readonly cons: number;
  /** CONS.ERR, 0 for none; GERROR and GERRORN of a VCMDQ. */
  readonly error: number;
  readonly gerror: number;
  readonly gerrorn: number;
  readonly commands: number;
  readonly syncs: number;
  readonly rewrites: number;
  readonly entries: readonly EntryPicture[];
}

export interface EventPicture {
  /** Number of the record since the queue was reset. */
  readonly number: number;
  readonly name: string;
  readonly fields: string;
  readonly summary: string;
}

export interface VmPicture {
  readonly name: string;
  readonly vmid: number;
  readonly vintf: number;
  /** StreamIDs: the guest's number and the physical one. */
  readonly streams: readonly (readonly [virtual: number, physical: number])[];
  readonly status: string;
  /** Why it ended, when not by itself. */
  readonly reason: string;
  /** It has no CMDQV; its one CMDQ is on the overlay path. */
  readonly overlay: boolean;
  /** PROD and CONS of its queue or queues are mapped into the guest. */
  readonly mapped: boolean;
  readonly doorbells: number;
  /** Commands that the host carried out behind an overlaid CMDQ. */
  readonly interventions: number;
  readonly queues: readonly QueuePicture[];
  readonly events: readonly EventPicture[];
  readonly eventCount: number;
  readonly exits: {
    readonly total: number;
    readonly duringInvalidation: number;
    readonly byRegister: readonly (readonly [register: string, count: number])[];
  };
}

/** Live IOTLB entries of a VM and ASID, over groups of sets. */
export interface TlbPicture {
  readonly vm: string;
  /** "1", or "no ASID". */
  readonly asid: string;
  readonly count: number;
  readonly cells: readonly number[];
}

/** One TLBI followed by the guest (CHECKPOINT_PHASE_TRACE). */
export interface TracePicture {
  readonly vm: string;
  readonly vmid: number;
  readonly path: MeasuredPath;
  readonly queue: string;
  readonly prodBefore: number;
  readonly prodAfter: number;
  readonly writeNs: number;
  readonly totalNs: number;
  readonly batches: number;
  readonly exits: number;
}

export interface CheckPicture {
  readonly vm: string;
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** A row of the guests' measurement. */
export interface RowPicture {
  readonly path: MeasuredPath;
  readonly batch: number;
  readonly p50Ns: number;
  readonly exitsPerBatch: number;
}

/** What there is to see at one instant. */
export interface Picture {
  /** performance.now() of the worker. */
  readonly at: number;
  readonly steps: number;
  readonly state: 'running' | 'paused' | 'ended';
  readonly vms: readonly VmPicture[];
  readonly tlb: readonly TlbPicture[];
  /** The last of each path. */
  readonly traces: readonly TracePicture[];
  readonly checks: readonly CheckPicture[];
  readonly rows: readonly RowPicture[];
  /** What the sanitizer has seen, one line each: stale entries in use, and those whose invalidation never came. */
  readonly findings: readonly string[];
}

/** How a session came out to run. */
export interface SessionFacts {
  readonly isolated: boolean;
  readonly transport: 'inline' | 'mailbox';
  readonly drain: string;
  /** Why it is not what was asked for; empty when it is. */
  readonly note: string;
}

/** What the worker calls. Each resolves when the page is ready for the next. */
export interface Sink {
  output(vm: number, bytes: Uint8Array): Promise<void>;
  picture(picture: Picture): Promise<void>;
}

/** PROD and CONS of a queue, read from memory past every register model. */
export interface RawQueue {
  readonly vm: string;
  readonly queue: string;
  readonly prod: number;
  readonly cons: number;
}

/** A guest that was picked or dropped: for `arm64` a kernel. */
export interface PickedGuest {
  readonly kind: 'wasm' | 'arm64';
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly initrd?: Uint8Array<ArrayBuffer> | undefined;
}

/** The worker's API. */
export interface Vmm {
  /**
   * Makes the machines and boots them.
   * @param guest undefined: the toy.
   * @throws {Error} one line that says why it cannot be done.
   */
  boot(settings: Settings, guest: PickedGuest | undefined, sink: Sink): Promise<SessionFacts>;
  /** Lets the machines run, or pauses them: then with what they stand at. */
  run(): void;
  pause(): Promise<Picture>;
  /** One step of each machine. */
  step(): Promise<Picture>;
  setSpeed(speed: Settings['speed']): void;
  input(vm: number, text: string): void;
  rawQueues(): readonly RawQueue[];
}
