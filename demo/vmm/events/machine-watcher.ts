// SPDX-License-Identifier: MIT
// Watches one machine for the recorder. When its guest starts a queue, the queue runs
// command by command, with an observation after each: PROD is read once, and the SMMU is
// shown one more command each time.

import { VCMDQ_PROD, VCMDQ_STRIDE } from '../../../assembly/layout/cmdqv-registers.ts';
import { DOORBELL_CONTEXT, DOORBELL_SLOT } from '../../../assembly/layout/doorbell-id.ts';
import {
  ABI_KIND_CHECKPOINT,
  ABI_KIND_CMDQV,
  ABI_KIND_PL011,
  ABI_KIND_SMMUV3,
} from '../../../assembly/layout/guest-abi.ts';
import { SMMU_CMDQ_PROD } from '../../../assembly/layout/smmu-registers.ts';
import {
  THREAD_FAULTS,
  THREAD_TLB_HITS,
  THREAD_TLB_MISSES,
} from '../../../assembly/layout/thread-memory.ts';
import { vcmdqAddress } from '../../../devices/cmdqv/address.ts';
import {
  bitsOf,
  type Device,
  type DmaResult,
  type MmioAccess,
  type TraceEvent,
} from '../../../devices/plugin/index.ts';
import type { BoardMachine, MachineWatch, WatchedDma } from '../../../vmm/boards/index.ts';
import type { EventKind, EventMark, Picture } from '../../protocol.ts';
import { commandPicture } from '../picture.ts';
import { EXITS, hexOf, type PictureChange } from './changes.ts';
import type { Recorder } from './recorder.ts';
import { replacedIds } from './replaced-ids.ts';
import { WatchedQueue } from './watched-queue.ts';

const asBefore = (earlier: Picture) => earlier;

export class MachineWatcher implements MachineWatch {
  readonly #recorder: Recorder;
  readonly #vm: string;
  #board: BoardMachine | undefined;
  #vcmdqs: readonly WatchedQueue[] = [];
  #cmdq: WatchedQueue | undefined;

  constructor(recorder: Recorder, vm: string) {
    this.#recorder = recorder;
    this.#vm = vm;
  }

  /** Sets the machine that it watches, when it exists. */
  attach(board: BoardMachine): void {
    this.#board = board;
    const [first] = board.smmus;
    if (!first) return;
    const { memory } = board.machine;
    const { smmu, vintf } = first;
    const { commandQueue } = smmu;
    this.#cmdq = new WatchedQueue('CMDQ', commandQueue, memory, () => commandQueue.overlay);
    this.#vcmdqs = (vintf?.queues ?? []).map(
      (block, lvcmdq) =>
        new WatchedQueue(`VCMDQ ${lvcmdq}`, block, memory, () => {
          const page0 = vintf?.context.page0 ?? 0;
          return page0 === 0 ? 0 : page0 + lvcmdq * VCMDQ_STRIDE + VCMDQ_PROD;
        }),
    );
  }

  #event(kind: EventKind, text: string, mark: EventMark = {}): void {
    this.#recorder.event({ kind, vm: this.#vm, text, mark });
  }

  #lead(kind: EventKind, text: string, mark: EventMark = {}): PictureChange {
    return { kind, vm: this.#vm, text, mark, apply: asBefore };
  }

  /** Exits other than for registers, interrupts and MSIs, from the machine's trace. */
  trace(source: string, event: TraceEvent): void {
    this.#recorder.safely(() => {
      const { name, register, line, asserted, address } = event;
      if (name.startsWith('exit ') && register === undefined) {
        const what = EXITS[name.slice(5)] ?? name;
        this.#series(what, (count) => {
          const exits = count === 1 ? 'Exit' : `${count} exits`;
          return `${exits} of ${this.#vm}: ${what}.`;
        });
      } else if (name === 'interrupt' && asserted !== false) {
        this.#soon(`${source} raises interrupt line ${line} of ${this.#vm}.`);
      } else if (name === 'msi') {
        this.#soon(`${source} sends an MSI to ${hexOf(Number(address))} of ${this.#vm}.`);
      }
    });
  }

  /**
   * An interrupt follows its cause, which is observed when the current operation is done.
   */
  #soon(text: string): void {
    this.#recorder.soon({ kind: 'interrupt', vm: this.#vm, text, mark: {} });
  }

  call(name: string, args: readonly unknown[], carryOut: () => unknown): unknown {
    if (!this.#recorder.active) return carryOut();
    if (name === 'doorbell') {
      const queue = this.#rung(Number(args[0]), Number(args[1]));
      const prod = queue?.storedProd;
      if (queue && prod !== undefined) {
        this.#ring(queue, prod, carryOut);
        return undefined;
      }
    }
    this.#recorder.safely(() => this.#recorder.observe(''));
    const result = carryOut();
    this.#recorder.safely(() => this.#recorder.observe(`${name.toUpperCase()} of a vCPU`));
    return result;
  }

  /** The queue of a doorbell. */
  #rung(id: number, offset: number): WatchedQueue | undefined {
    const [first] = this.#board?.smmus ?? [];
    if (!first) return undefined;
    const slot = bitsOf(id, DOORBELL_SLOT) + Math.floor((offset >>> 0) / VCMDQ_STRIDE);
    const context = bitsOf(id, DOORBELL_CONTEXT);
    if (context === first.vintf?.context.index) return this.#vcmdqs[slot];
    return context === first.smmu.context.index && slot === 0 ? this.#cmdq : undefined;
  }

  /** A doorbell for a queue whose PROD its guest has stored in its memory. */
  #ring(queue: WatchedQueue, prod: number, carryOut: () => unknown): void {
    const unit = this.#board?.vm?.unit;
    const smmu = this.#board?.smmus[0]?.smmu.smmuBlock ?? 0;
    this.#recorder.safely(() => {
      this.#writesEntries(queue, prod);
      this.#movesProd(queue, prod, 'a store to its own memory, no exit');
    });
    this.#recorder.safely(() =>
      this.#event(
        'doorbell',
        `The doorbell of ${this.#vm} calls the drain, WebAssembly to WebAssembly: no exit.`,
        { queue: queue.name },
      ),
    );
    this.#follow(queue, prod, {
      some: (index) => {
        try {
          queue.storeProd(queue.withIndex(prod, index));
          unit?.drain.serve(smmu, queue.block.index);
        } finally {
          queue.storeProd(prod);
        }
      },
      all: carryOut,
    });
  }

  /** Events of the entries that the guest has written. @param prod the PROD it stores. */
  #writesEntries(queue: WatchedQueue, prod: number): void {
    if (!queue.canFollow(prod)) return;
    const recorder = this.#recorder;
    const { name } = queue;
    const before = queue.before(prod);
    const { again, added } = queue.written(prod);
    const all = [...again, ...added];
    recorder.show(this.#vm, { queue: name, prod: before, written: 0 });
    queue.without(all, () => recorder.observe(''));
    for (const [i, { at, words }] of all.entries()) {
      const { name: command, operands } = commandPicture(words);
      const slot = queue.slotOf(at);
      const verb = i < again.length ? 'rewrites' : 'writes';
      const text =
        `${this.#vm} ${verb} entry ${slot} of ${name}: ${command}` +
        `${operands === '' ? '' : ` (${operands})`}.`;
      const written = Math.max(0, i + 1 - again.length);
      recorder.show(this.#vm, { queue: name, prod: before, written });
      const lead = this.#lead('entry', text, { queue: name, slot });
      queue.without(all.slice(i + 1), () => recorder.observe('', [lead]));
    }
  }

  /** The event of the guest's store to PROD. */
  #movesProd(queue: WatchedQueue, prod: number, how: string): void {
    const recorder = this.#recorder;
    const { name } = queue;
    const before = queue.before(prod);
    const end = queue.indexOf(prod);
    const follows = queue.canFollow(prod);
    const text = follows
      ? `PROD of ${name}: ${before} \u2192 ${end}, ${how}.`
      : `${this.#vm} stores ${end} to PROD of ${name}: ${how}.`;
    if (follows) recorder.show(this.#vm, { queue: name, prod: end, written: 0 });
    if (before !== end) recorder.observe('', [this.#lead('prod', text, { queue: name })]);
    else if (!follows) recorder.observe('');
    queue.seen(prod);
  }

  /**
   * Runs a queue up to its PROD, command by command.
   * @param runs `some` runs it up to an index, and the guest sees PROD as it stored it
   *   afterwards; `all` is what the guest has requested.
   */
  #follow(
    queue: WatchedQueue,
    prod: number,
    runs: { some(index: number): void; all(): unknown },
  ): void {
    const end = queue.indexOf(prod);
    let done = false;
    try {
      this.#recorder.show(this.#vm, { queue: queue.name, prod: end, written: 0 });
      while (this.#recorder.active && !done && queue.canFollow(prod)) {
        const cons = queue.cons;
        if (cons === end) break;
        const words = queue.words(cons);
        const counts = queue.block.counts;
        const next = queue.nextOf(cons);
        // An error that its guest has acknowledged: the queue continues when it is
        // served, still without a command.
        const index = queue.runs ? next : cons;
        done = index === end;
        if (done) runs.all();
        else runs.some(index);
        const isTaken = queue.cons !== cons || queue.block.counts.errors !== counts.errors;
        this.#recorder.safely(() =>
          isTaken
            ? this.#taken(queue, cons, words, counts.rewrites)
            : this.#recorder.observe('', queue.waitsForHost ? [this.#waits(queue, words)] : []),
        );
        if (queue.cons !== next && !(index === cons && queue.runs)) break;
      }
    } finally {
      this.#recorder.show(this.#vm, undefined);
      if (!done) runs.all();
      this.#recorder.safely(() => this.#recorder.observe('commands of the queue'));
    }
  }

  /** A queue has reached a command that the drain leaves to the host. */
  #waits(queue: WatchedQueue, words: Uint32Array): PictureChange {
    const { name, cons } = queue;
    const slot = queue.slotOf(cons);
    const text = `${commandPicture(words).name} is no invalidation: ${name} waits at entry ${slot} for the host.`;
    return this.#lead('host', text, { queue: name, slot });
  }

  /** A command has been fetched, and executed or refused. */
  #taken(queue: WatchedQueue, cons: number, words: Uint32Array, rewrites: number): void {
    const { name } = queue;
    const slot = queue.slotOf(cons);
    const mark = { queue: name, slot };
    const command = commandPicture(words);
    const operands = command.operands === '' ? '' : ` (${command.operands})`;
    const leads = [
      this.#lead(
        'fetch',
        `The SMMU fetches entry ${slot} of ${name}: ${command.name}${operands}.`,
        mark,
      ),
    ];
    const replaced =
      queue.block.counts.rewrites > rewrites ? replacedIds(this.#board, this.#vm, words) : [];
    for (const text of replaced) leads.push(this.#lead('replace', text, mark));
    const isRefused = queue.cons === cons;
    if (isRefused)
      leads.push(
        this.#lead(
          'error',
          `${command.name} is refused: ${name} stops at entry ${slot}. The guest sees nothing of ` +
            'it until the host decides what becomes of it.',
          mark,
        ),
      );
    this.#recorder.observe(`${command.name} of ${this.#vm} on ${name}`, leads);
  }

  access(device: Device, isWrite: boolean, access: MmioAccess, carryOut: () => void): void {
    const recorder = this.#recorder;
    if (recorder.looking || !recorder.active) {
      carryOut();
      return;
    }
    const register = `${device.name}.${device.registerName(access.region, access.offset)}`;
    if (device.identity.kind === ABI_KIND_PL011 || device.identity.kind === ABI_KIND_CHECKPOINT) {
      recorder.safely(() => this.#exits(device));
      carryOut();
      return;
    }
    if (!isWrite) {
      carryOut();
      recorder.safely(() => {
        const text = `Exit: ${this.#vm} reads ${register}: ${this.#value(access)}`;
        this.#series(text, (count) => `${text}${count > 1 ? `, ${count} times` : ''}.`);
      });
      return;
    }
    const queue = this.#produced(device, access);
    recorder.safely(() => {
      // PROD has not reached the register yet, and entries were written before the exit.
      if (queue) {
        recorder.show(this.#vm, { queue: queue.name, prod: queue.before(access.lo), written: 0 });
        recorder.holdExits(this.#vm, () => this.#writesEntries(queue, access.lo));
      }
      const text = `Exit: ${this.#vm} stores ${this.#value(access)} to ${register}.`;
      recorder.observe('', [], [{ kind: 'exit', vm: this.#vm, text, mark: {} }]);
    });
    if (queue) {
      const prod = access.lo;
      recorder.safely(() => this.#movesProd(queue, prod, 'by way of the VMM'));
      this.#follow(queue, prod, {
        some: (index) => {
          try {
            access.lo = queue.withIndex(prod, index);
            carryOut();
          } finally {
            access.lo = prod;
          }
        },
        all: carryOut,
      });
      return;
    }
    carryOut();
    recorder.safely(() => recorder.observe(`a store to ${register}`));
  }

  /** Exits for a device without visible effects: consecutive ones are one event. */
  #exits({ name }: Device): void {
    this.#series(name, (count) => {
      const exits = count === 1 ? 'Exit' : `${count} exits`;
      return `${exits} of ${this.#vm} at registers of its ${name}.`;
    });
  }

  #series(group: string, text: (count: number) => string): void {
    this.#recorder.series(`${this.#vm} ${group}`, { kind: 'exit', vm: this.#vm, mark: {} }, text);
  }

  #value({ lo, hi, size }: MmioAccess): string {
    return hexOf(size === 8 ? (BigInt(hi) << 32n) | BigInt(lo) : lo);
  }

  /** The queue whose PROD an access stores, if it stores nothing else. */
  #produced({ identity }: Device, { offset, size }: MmioAccess): WatchedQueue | undefined {
    if (size !== 4) return undefined;
    if (identity.kind === ABI_KIND_SMMUV3)
      return offset === SMMU_CMDQ_PROD && this.#cmdq?.storedProd === undefined
        ? this.#cmdq
        : undefined;
    if (identity.kind !== ABI_KIND_CMDQV) return undefined;
    const at = vcmdqAddress(offset);
    const isOwn = at?.vintf === 0 && at.page === 0 && at.register === VCMDQ_PROD;
    return isOwn ? this.#vcmdqs[at.slot] : undefined;
  }

  dma(dma: WatchedDma, carryOut: () => DmaResult): DmaResult {
    const thread = this.#board?.vm?.unit.threadBlock;
    if (!thread || !this.#recorder.active) return carryOut();
    const counts = () =>
      [THREAD_TLB_HITS, THREAD_TLB_MISSES, THREAD_FAULTS].map((at) => thread.count(at));
    this.#recorder.safely(() => this.#recorder.observe(''));
    const before = counts();
    const result = carryOut();
    this.#recorder.safely(() => {
      const [hits = 0, misses = 0, faults = 0] = counts().map((now, i) => now - (before[i] ?? 0));
      this.#accessed(dma, result, { hits, misses, faults });
    });
    return result;
  }

  #accessed(
    { device, iova, length, write }: WatchedDma,
    { ok, stalled }: DmaResult,
    { hits, misses, faults }: { hits: number; misses: number; faults: number },
  ): void {
    const did = `${device} of ${this.#vm} ${write ? 'writes' : 'reads'} ${length} bytes at iova`;
    const at = `${did} ${hexOf(iova)}`;
    const hit = hits === 1 ? 'an IOTLB hit' : `${hits} IOTLB hits`;
    const walk = misses === 1 ? 'a walk of the tables' : `${misses} walks of the tables`;
    const how = [...(hits > 0 ? [hit] : []), ...(misses > 0 ? [walk] : [])].join(', ');
    const failed = stalled ? 'it stalls' : 'it faults';
    const kind = faults > 0 || !ok ? 'dma-fault' : misses > 0 ? 'dma-walk' : 'dma-hit';
    const text = `${at}: ${how}${kind === 'dma-fault' ? `${how === '' ? '' : ', and '}${failed}` : ''}.`;
    this.#recorder.observe('', [this.#lead(kind, text)]);
  }
}
