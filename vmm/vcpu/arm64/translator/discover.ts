// SPDX-License-Identifier: MIT
// Finds the instructions of a region: those reachable from its entries, and the functions
// that they call. A place is the distance in instructions from the start of the page with
// the entries, the home page; places before and after that page are in other pages.

import { fieldsOf, formOf } from '../../../../assembly/layout/a64/a64-forms.ts';
import { fieldOf, isWide, signedField } from '../a64-fields.ts';
import { ARITHMETIC } from './emit-arithmetic.ts';
import { ATOMICS } from './emit-atomics.ts';
import { LOGICAL } from './emit-logical.ts';
import { MEMORY } from './emit-memory.ts';
import { SYSTEM } from './emit-system.ts';
import { pageOf } from './places.ts';
import type { Emit, EmitPlans } from './plan.ts';

/** Maximum number of return sites that the returns of a function check. */
const MOST_RETURN_SITES = 4;

const PLANS: EmitPlans = { ...ARITHMETIC, ...LOGICAL, ...MEMORY, ...ATOMICS, ...SYSTEM };

/** The kind of an instruction in a region. */
export type Step =
  | { readonly kind: 'plain'; readonly emit: Emit }
  /** The interpreter executes it; if `returns`, the next instruction becomes an entry. */
  | { readonly kind: 'leave'; readonly returns: boolean }
  /** `offset` is the distance to the target in instructions. */
  | { readonly kind: 'jump' | 'call'; readonly offset: number }
  | { readonly kind: 'branch'; readonly offset: number; readonly test: Test }
  /** `target`: the place to which it has led before, if known. */
  | {
      readonly kind: 'return' | 'call-register';
      readonly register: number;
      readonly target?: number;
    };

/** The condition of a branch. */
export type Test =
  | { readonly what: 'condition'; readonly condition: number }
  | {
      readonly what: 'zero';
      readonly register: number;
      readonly wide: boolean;
      readonly not: boolean;
    }
  | {
      readonly what: 'bit';
      readonly register: number;
      readonly bit: number;
      readonly not: boolean;
    };

/** Instructions after which execution never continues at the next one. */
const FINAL = new Set(['ERET', 'DRPS', 'BRK', 'HLT', 'DCPS1', 'DCPS2', 'DCPS3']);
const ALWAYS = 14;

function stepOf(word: number): Step {
  const form = formOf(word);
  if (!form) return { kind: 'leave', returns: false };
  const f = fieldsOf(word, form);
  switch (form.name) {
    case 'B':
      return { kind: 'jump', offset: signedField(f, 'imm26', 26) };
    case 'BL':
      return { kind: 'call', offset: signedField(f, 'imm26', 26) };
    case 'BCOND': {
      const condition = fieldOf(f, 'cond');
      const offset = signedField(f, 'imm19', 19);
      if (condition >= ALWAYS) return { kind: 'jump', offset };
      return { kind: 'branch', offset, test: { what: 'condition', condition } };
    }
    case 'CBZ':
    case 'CBNZ': {
      const [register, wide] = [fieldOf(f, 'Rt'), isWide(f)];
      const test = { what: 'zero', register, wide, not: form.name === 'CBNZ' } as const;
      return { kind: 'branch', offset: signedField(f, 'imm19', 19), test };
    }
    case 'TBZ':
    case 'TBNZ': {
      const bit = 32 * fieldOf(f, 'b5') + fieldOf(f, 'b40');
      const register = fieldOf(f, 'Rt');
      const test = { what: 'bit', register, bit, not: form.name === 'TBNZ' } as const;
      return { kind: 'branch', offset: signedField(f, 'imm14', 14), test };
    }
    case 'BR':
    case 'RET':
      return { kind: 'return', register: fieldOf(f, 'Rn') };
    case 'BLR':
      return { kind: 'call-register', register: fieldOf(f, 'Rn') };
    default: {
      const emit = PLANS[form.name]?.(f);
      return emit ? { kind: 'plain', emit } : { kind: 'leave', returns: !FINAL.has(form.name) };
    }
  }
}

/** A straight-line part of a region. */
export interface Block {
  readonly start: number;
  readonly steps: readonly Step[];
  /** Blocks that may be next, by their start. */
  readonly successors: readonly number[];
  /**
   * For a block that ends with a return: the sites from which the function is called in
   * the region, and the place to which it has returned before.
   */
  readonly returnSites: readonly number[];
}

/** The instructions of a region, as blocks by their start. */
export interface Discovery {
  readonly blocks: ReadonlyMap<number, Block>;
  /** Blocks at which the region can be entered. */
  readonly entries: readonly number[];
  readonly instructions: number;
}

/** Limits of a region, in instructions. */
export interface RegionLimits {
  readonly most: number;
  /** Called functions are included while there are fewer instructions than this. */
  readonly grow: number;
}

/** Whether a step leads to an address in a register. */
export const isIndirect = (
  step: Step | undefined,
): step is Step & { readonly kind: 'return' | 'call-register' } =>
  step?.kind === 'return' || step?.kind === 'call-register';

/** The available instructions. */
export interface Source {
  /** The word at a place; undefined where a region has to end. */
  wordAt(place: number): number | undefined;
  /** The place to which the RET, BR or BLR at a place has led before, if known. */
  targetOf(place: number): number | undefined;
}

class Walk {
  readonly steps = new Map<number, Step>();
  readonly starts = new Set<number>();
  readonly entries = new Set<number>();
  /**
   * The function in which a place was first reached: the start of a callee, or undefined.
   */
  readonly functions = new Map<number, number | undefined>();
  /** Return sites by the start of the callee. */
  readonly sites = new Map<number, number[]>();
  readonly #source: Source;
  readonly #limits: RegionLimits;
  #work: number[] = [];
  /** Callees, and places to which functions return, with the functions they belong to. */
  readonly #more = new Map<number, number | undefined>();

  constructor(source: Source, limits: RegionLimits) {
    this.#source = source;
    this.#limits = limits;
  }

  start(entries: readonly number[]): void {
    for (const entry of entries) this.#add(entry, true);
    this.#drain(undefined);
    // Those of callees are added to the end.
    for (const [place, name] of this.#more) {
      if (this.steps.size >= this.#limits.grow) break;
      this.#add(place, false);
      this.#drain(name);
    }
  }

  /** Only the home page's records lead to the region. */
  #add(at: number, isEntry: boolean): void {
    this.starts.add(at);
    if (isEntry && pageOf(at) === 0) this.entries.add(at);
    this.#work.push(at);
  }

  #drain(name: number | undefined): void {
    for (let at = this.#work.pop(); at !== undefined; at = this.#work.pop()) this.#line(at, name);
  }

  /** From a place to the end of its block. */
  #line(from: number, name: number | undefined): void {
    for (let at = from; ; at++) {
      if (this.steps.has(at) || this.steps.size >= this.#limits.most) return;
      const word = this.#source.wordAt(at);
      if (word === undefined) return;
      // A page begins a block, because it is checked for changes on the way to it.
      if (at !== from && pageOf(at) !== pageOf(at - 1)) this.starts.add(at);
      const step = this.#withTarget(stepOf(word), at);
      this.steps.set(at, step);
      this.functions.set(at, name);
      if (step.kind !== 'plain') {
        this.#addSuccessors(at, step);
        return;
      }
    }
  }

  #withTarget(step: Step, at: number): Step {
    if (!isIndirect(step)) return step;
    const target = this.#source.targetOf(at);
    return target === undefined ? step : { ...step, target };
  }

  #addSuccessors(at: number, step: Step): void {
    switch (step.kind) {
      case 'leave':
        if (step.returns) this.#add(at + 1, true);
        break;
      case 'jump':
        this.#target(at, step.offset);
        break;
      case 'branch':
        this.#add(at + 1, false);
        this.#target(at, step.offset);
        break;
      case 'call':
        this.#call(at + step.offset, at + 1);
        break;
      case 'call-register':
        if (step.target === undefined) this.#add(at + 1, true);
        else this.#call(step.target, at + 1);
        break;
      case 'return':
        if (step.target !== undefined && !this.#more.has(step.target))
          this.#more.set(step.target, undefined);
        break;
      default:
    }
  }

  #call(callee: number, site: number): void {
    this.#add(site, true);
    this.#more.set(callee, callee);
    const sites = this.sites.get(callee);
    if (sites) sites.push(site);
    else this.sites.set(callee, [site]);
  }

  /**
   * The head of a loop is an entry, so that a loop left in the middle is entered at its
   * next iteration.
   */
  #target(at: number, offset: number): void {
    this.#add(at + offset, offset <= 0);
  }
}

/** The targets of a block's last step. */
function targetsOf(at: number, step: Step, sites: readonly number[]): readonly number[] {
  switch (step.kind) {
    case 'jump':
    case 'call':
      return [at + step.offset];
    case 'branch':
      return [at + step.offset, at + 1];
    case 'return':
      return sites;
    case 'call-register':
      return step.target === undefined ? [] : [step.target];
    default:
      return [];
  }
}

/** Blocks that are reached from the entries. */
function reached(blocks: ReadonlyMap<number, Block>, entries: readonly number[]) {
  const found = new Set(entries);
  // The iteration also visits blocks added during it.
  for (const at of found) for (const to of blocks.get(at)?.successors ?? []) found.add(to);
  return found;
}

/**
 * Discovers a region.
 * @param entries places where it is entered, in the home page.
 */
export function discover(
  source: Source,
  entries: readonly number[],
  limits: RegionLimits,
): Discovery {
  const walk = new Walk(source, limits);
  walk.start(entries);
  const { steps, starts, functions } = walk;
  const sitesOf = (at: number, target: number | undefined) => {
    const name = functions.get(at);
    const sites = name === undefined ? [] : (walk.sites.get(name) ?? []);
    const all = new Set(target === undefined ? sites : [target, ...sites]);
    return [...all].filter((site) => steps.has(site)).slice(0, MOST_RETURN_SITES);
  };
  const all = new Map<number, Block>();
  for (const start of [...starts].sort((a, b) => a - b)) {
    const list: Step[] = [];
    let at = start;
    let last: Step | undefined;
    for (; last === undefined || last.kind === 'plain'; at++) {
      const step = steps.get(at);
      if (!step || (at > start && starts.has(at))) break;
      list.push(step);
      last = step;
    }
    if (!last) continue;
    const returnSites = last.kind === 'return' ? sitesOf(at - 1, last.target) : [];
    const targets = last.kind === 'plain' ? [at] : targetsOf(at - 1, last, returnSites);
    const successors = [...new Set(targets)].filter((to) => starts.has(to) && steps.has(to));
    all.set(start, { start, steps: list, successors, returnSites });
  }
  const found = [...walk.entries].filter((entry) => all.has(entry)).sort((a, b) => a - b);
  const there = reached(all, found);
  const blocks = new Map([...all].filter(([start]) => there.has(start)));
  return {
    blocks,
    entries: found,
    instructions: [...blocks.values()].reduce((sum, block) => sum + block.steps.length, 0),
  };
}
