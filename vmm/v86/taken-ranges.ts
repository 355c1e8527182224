// SPDX-License-Identifier: MIT
// Addresses of an emulated PC that something has already: RAM, v86's own devices, devices that
// are plugged in, and the RAM that backs registers of those.

import { type NamedRange, overlapText, rangesOverlap, rangeText } from '../../devices/bus/index.ts';
import type { V86Cpu } from './emulator.ts';

/** v86 hands out physical addresses in blocks of this size. */
export const V86_BLOCK = 0x20000;

/** Where v86 has the frame buffer of its display: it answers there itself and asks no handler. */
const FRAME_BUFFER = 0xe0000000;

/** RAM that backs registers. */
interface Backing extends NamedRange {
  /** Who says which RAM it is. */
  readonly owner: object;
  /** Registers are mapped there now; false: it is kept for that. */
  readonly mapped: boolean;
}

interface Taken {
  readonly windows: Set<NamedRange>;
  readonly backing: Set<Backing>;
}

const TAKEN = new WeakMap<V86Cpu, Taken>();
/** Handlers of windows: v86 keeps those of devices that were unplugged, and they do nothing. */
const WINDOW_HANDLERS = new WeakSet<object>();

function takenOf(cpu: V86Cpu): Taken {
  const known = TAKEN.get(cpu);
  if (known) return known;
  const made = { windows: new Set<NamedRange>(), backing: new Set<Backing>() };
  TAKEN.set(cpu, made);
  return made;
}

function add<T extends NamedRange>(
  ranges: Set<T>,
  range: T,
  conflicts: (other: T) => boolean = () => true,
): () => void {
  for (const other of ranges)
    if (rangesOverlap(range, other) && conflicts(other))
      throw new RangeError(overlapText(range, other));
  ranges.add(range);
  return () => ranges.delete(range);
}

/** The handler of addresses that no device has: v86 gives it to everything above RAM before its devices come. */
function handlerOfNobody(handlers: readonly unknown[]): unknown {
  const counts = new Map<unknown, number>();
  for (const handler of handlers)
    if (handler !== undefined) counts.set(handler, (counts.get(handler) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}

/** What v86 itself has in a range, if anything. */
function ofV86(cpu: V86Cpu, range: NamedRange): NamedRange | undefined {
  const display = cpu.devices?.vga?.svga_memory?.length ?? 0;
  const frameBuffer = { name: 'the frame buffer of v86', gpa: FRAME_BUFFER, size: display };
  if (display > 0 && rangesOverlap(range, frameBuffer)) return frameBuffer;
  const handlers = cpu.memory_map_read8 ?? [];
  const nobody = handlerOfNobody(handlers);
  const isTaken = (block: number) => {
    const handler = handlers[block];
    return typeof handler === 'function' && handler !== nobody && !WINDOW_HANDLERS.has(handler);
  };
  const end = (range.gpa + range.size) / V86_BLOCK;
  for (let first = range.gpa / V86_BLOCK; first < end; first++) {
    if (!isTaken(first)) continue;
    let last = first;
    while (isTaken(last + 1) && handlers[last + 1] === handlers[first]) last++;
    const size = (last - first + 1) * V86_BLOCK;
    return { name: 'a device of v86', gpa: first * V86_BLOCK, size };
  }
  return undefined;
}

/**
 * Makes a window the caller's.
 * @returns what gives it back.
 * @throws {RangeError} when it is not whole blocks below 4 GiB, or something is there already.
 */
export function claimWindow(cpu: V86Cpu, window: NamedRange): () => void {
  const { gpa, size } = window;
  if (gpa % V86_BLOCK || size % V86_BLOCK || gpa + size > 2 ** 32)
    throw new RangeError(
      `${rangeText(window)} must be whole blocks of 0x${V86_BLOCK.toString(16)} bytes below 4 GiB`,
    );
  const ram = { name: 'RAM', gpa: 0, size: cpu.mem8.length };
  if (rangesOverlap(window, ram)) throw new RangeError(overlapText(window, ram));
  // Windows first: their names say more than that v86 calls a handler.
  const release = add(takenOf(cpu).windows, window);
  const other = ofV86(cpu, window);
  if (!other) return release;
  release();
  throw new RangeError(overlapText(window, other));
}

/** Tells a window's handler from those of v86's devices. */
export function windowHandler<T extends object>(handler: T): T {
  WINDOW_HANDLERS.add(handler);
  return handler;
}

/**
 * Keeps RAM for registers, before they are mapped there.
 * @param owner who will map them.
 * @returns what gives it back.
 * @throws {RangeError} when some of it is another's.
 */
export function reserveBacking(cpu: V86Cpu, range: NamedRange, owner: object): () => void {
  return add(takenOf(cpu).backing, { ...range, owner, mapped: false });
}

/**
 * Takes RAM that registers are mapped to.
 * @returns what gives it back.
 * @throws {RangeError} when some of it backs other registers, or is kept for another's.
 */
export function claimBacking(cpu: V86Cpu, range: NamedRange, owner: object): () => void {
  const own = { ...range, owner, mapped: true };
  return add(takenOf(cpu).backing, own, (other) => other.mapped || other.owner !== owner);
}
