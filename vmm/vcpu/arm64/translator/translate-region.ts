// SPDX-License-Identifier: MIT
// Emits a region as a function: its blocks in structured order, and the branches between
// them.

import type { Block, Discovery, Step, Test } from './discover.ts';
import { condition } from './emit-flags.ts';
import { type Liveness, liveness } from './liveness.ts';
import { pageOf } from './places.ts';
import { RegionCode, type RegionPlace } from './region-code.ts';
import { type Piece, structure } from './region-structure.ts';
import { ANY_FLAGS, type Effects, NO_REGISTERS, NUMBER, VA } from './register-code.ts';
import { OP } from './wasm-writer.ts';

/** X30. */
const LINK = 30;

/** How to reach a block from the current place. */
interface Label {
  readonly depth: number;
  /** It is one of several heads, which NUMBER selects. */
  readonly isNumbered: boolean;
  /** The branch leads backwards, so the limit is checked. */
  readonly isBack: boolean;
}

class Translation {
  readonly #code: RegionCode;
  readonly #blocks: ReadonlyMap<number, Block>;
  readonly #labels = new Map<number, Label>();
  /** Value of NUMBER for blocks that it selects: the entries first. */
  readonly #numbers = new Map<number, number>();
  readonly #entries: ReadonlySet<number>;
  readonly #predecessors = new Map<number, number[]>();
  /** Kinds of flags at the end of blocks that have been emitted. */
  readonly #flags = new Map<number, number>();
  readonly #liveness: Liveness;

  constructor(code: RegionCode, { blocks, entries }: Discovery, known: Liveness) {
    this.#code = code;
    this.#liveness = known;
    this.#blocks = blocks;
    this.#entries = new Set(entries);
    for (const entry of entries) this.#number(entry);
    for (const { start, successors } of blocks.values())
      for (const to of successors) {
        const list = this.#predecessors.get(to);
        if (list) list.push(start);
        else this.#predecessors.set(to, [start]);
      }
  }

  #number(start: number): number {
    const number = this.#numbers.get(start) ?? this.#numbers.size;
    this.#numbers.set(start, number);
    return number;
  }

  /** Emits the whole region. */
  write(pieces: readonly Piece[], entries: readonly number[]): void {
    this.#sequence(pieces, entries, true);
  }

  /** Effects of a block on registers; its code is discarded. */
  probe(start: number): Effects {
    this.#block(start);
    return this.#code.effects;
  }

  /** Emits pieces that are entered at `heads`, in order. */
  #sequence(pieces: readonly Piece[], heads: readonly number[], isOutermost = false): void {
    const code = this.#code;
    const outer = pieces.flatMap((piece) =>
      piece.heads.map((head) => [head, this.#labels.get(head)] as const),
    );
    const labels = pieces.map(() => code.open(OP.block)).reverse();
    pieces.forEach((piece, i) => {
      const isNumbered = piece.heads.length > 1;
      for (const head of piece.heads)
        this.#labels.set(head, { depth: labels[i] ?? 0, isNumbered, isBack: false });
    });
    if (isOutermost) this.#enter(heads);
    else this.#dispatch(heads);
    // Inside a loop its heads are reached by a backward branch.
    for (const [head, label] of outer) if (label?.isBack) this.#labels.set(head, label);
    for (const piece of pieces) {
      code.close();
      if (piece.kind === 'block') this.#block(piece.heads[0]);
      else this.#loop(piece.heads, piece.pieces);
    }
    for (const [head, label] of outer)
      if (label) this.#labels.set(head, label);
      else this.#labels.delete(head);
  }

  /** Loads the registers needed at the entry that NUMBER selects, and branches there. */
  #enter(entries: readonly number[]): void {
    const code = this.#code;
    const stubs = entries.map(() => code.open(OP.block)).reverse();
    const table: number[] = [];
    entries.forEach((entry, i) => {
      table[this.#number(entry)] = stubs[i] ?? 0;
    });
    code.get(NUMBER);
    code.brTable(table, stubs[0] ?? 0);
    for (const entry of entries) {
      code.close();
      code.load(this.#liveness.needed.get(entry) ?? NO_REGISTERS);
      code.br(this.#labels.get(entry)?.depth ?? 0);
    }
  }

  /** Branches to the head that NUMBER selects. */
  #dispatch(heads: readonly number[]): void {
    const depthOf = (head: number) => this.#labels.get(head)?.depth ?? 0;
    const [first] = heads;
    if (first === undefined) throw new Error('a sequence without a head');
    if (heads.length === 1) {
      this.#code.br(depthOf(first));
      return;
    }
    const table: number[] = [];
    for (const head of heads) table[this.#number(head)] = depthOf(head);
    const otherwise = depthOf(first);
    this.#code.get(NUMBER);
    this.#code.brTable(
      Array.from(table, (depth) => depth ?? otherwise),
      otherwise,
    );
  }

  #loop(heads: readonly number[], pieces: readonly Piece[]): void {
    const depth = this.#code.open(OP.loop);
    const isNumbered = heads.length > 1;
    const before = heads.map((head) => [head, this.#labels.get(head)] as const);
    for (const head of heads) this.#labels.set(head, { depth, isNumbered, isBack: true });
    this.#sequence(pieces, heads);
    for (const [head, label] of before) if (label) this.#labels.set(head, label);
    this.#code.close();
    this.#code.op(OP.unreachable);
  }

  /** Possible kinds of flags at the start of a block, as far as known at this point. */
  #flagsAt(start: number): number {
    if (this.#entries.has(start)) return ANY_FLAGS;
    const before = this.#predecessors.get(start) ?? [];
    return before.reduce((kinds, one) => kinds | (this.#flags.get(one) ?? ANY_FLAGS), 0);
  }

  #block(start: number): void {
    const code = this.#code;
    const block = this.#blocks.get(start);
    if (!block) throw new Error('a piece is no block');
    const { steps } = block;
    const changed = this.#liveness.changed.get(start) ?? NO_REGISTERS;
    code.beginBlock(steps.length, this.#flagsAt(start), changed);
    steps.forEach((step, i) => {
      code.beginInstruction(start + i, steps.length - i);
      this.#step(step, block);
    });
    this.#flags.set(start, code.flags);
    if (steps.at(-1)?.kind === 'plain') this.#goTo(start + steps.length);
  }

  #step(step: Step, block: Block): void {
    const code = this.#code;
    const { at } = code;
    switch (step.kind) {
      case 'plain':
        step.emit(code);
        break;
      case 'leave':
        code.leave();
        break;
      case 'jump':
        this.#goTo(at + step.offset);
        break;
      case 'branch':
        this.#test(step.test);
        code.open(OP.if);
        this.#goTo(at + step.offset);
        code.close();
        this.#goTo(at + 1);
        break;
      case 'call':
        this.#link();
        this.#goTo(at + step.offset);
        break;
      case 'call-register':
        this.#callRegister(step.register, step.target);
        break;
      default:
        this.#return(step.register, block);
    }
  }

  /**
   * Calls the address in a register: the function that has been called before, if that is
   * the address.
   */
  #callRegister(register: number, target: number | undefined): void {
    const code = this.#code;
    // The target is read first: it may be X30.
    code.x(register);
    code.set(VA);
    if (target === undefined) code.noteTarget();
    else {
      code.get(VA);
      code.address(4 * target);
      code.op(OP.i64Eq);
      code.open(OP.if);
      this.#link();
      this.#goTo(target);
      code.close();
    }
    this.#link();
    code.leaveFar(() => code.get(VA));
  }

  #link(): void {
    this.#code.address(4 * (this.#code.at + 1));
    this.#code.setX(LINK);
  }

  /** Pushes whether a branch is taken. */
  #test(test: Test): void {
    const code = this.#code;
    if (test.what === 'condition') {
      condition(code, test.condition);
      return;
    }
    if (test.what === 'bit') {
      code.x(test.register);
      code.i64(1n << BigInt(test.bit));
      code.op(OP.i64And, OP.i64Eqz);
    } else if (test.wide) {
      code.x(test.register);
      code.op(OP.i64Eqz);
    } else {
      code.w(test.register);
      code.op(OP.i32Eqz);
    }
    if (test.not) code.op(OP.i32Eqz);
  }

  /**
   * Branches to the address in a register: to the caller of the function, if that is in
   * the region.
   */
  #return(register: number, { returnSites }: Block): void {
    const code = this.#code;
    for (const site of returnSites) {
      code.x(register);
      code.address(4 * site);
      code.op(OP.i64Eq);
      code.open(OP.if);
      this.#goTo(site);
      code.close();
    }
    code.x(register);
    code.set(VA);
    code.noteTarget();
    code.leaveFar(() => code.get(VA));
  }

  /** Branches to a place. */
  #goTo(at: number): void {
    const code = this.#code;
    const label = this.#labels.get(at);
    if (!label) {
      code.leaveTo(at);
      return;
    }
    if (pageOf(at) !== pageOf(code.at)) code.checkPage(at);
    if (label.isBack) code.checkLimit(at);
    if (label.isNumbered) {
      code.i32(this.#number(at));
      code.set(NUMBER);
    }
    code.br(label.depth);
  }
}

const UNKNOWN: Liveness = { changed: new Map(), needed: new Map() };

/**
 * Translates a region.
 * @returns the body of its function: it takes the vCPU's block and the index of an entry
 *   in `entries`, and returns one of ARM64_REGION_*.
 */
export function translate(discovery: Discovery, place: RegionPlace): Uint8Array {
  const { blocks, entries } = discovery;
  const successors = (at: number) => blocks.get(at)?.successors ?? [];
  const probe = new Translation(new RegionCode(place), discovery, UNKNOWN);
  const effects = new Map(
    [...blocks.keys()].map((at) => [at, { ...probe.probe(at), successors: successors(at) }]),
  );
  const code = new RegionCode(place);
  const translation = new Translation(code, discovery, liveness(effects));
  const pieces = structure(blocks.keys(), entries, successors);
  return code.finish(() => translation.write(pieces, entries));
}
