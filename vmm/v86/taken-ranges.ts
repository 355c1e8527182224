// SPDX-License-Identifier: MIT
// Occupied addresses of an emulated PC: RAM, v86's own devices, attached devices, and the
// RAM that backs registers of those.

import { type NamedRange, overlapText, rangesOverlap, rangeText } from '../../devices/bus/index.ts';
import type { V86Cpu } from './emulator.ts';

/** v86 assigns physical addresses in blocks of this size. */
export const V86_BLOCK = 0x20000;

/** The frame buffer of v86's display, where v86 answers itself without a handler. */
const FRAME_BUFFER = 0xe0000000;

/** RAM that backs registers. */
interface Backing extends NamedRange {
  /** Identifies who uses the RAM. */
  readonly owner: object;
  /** Registers are mapped there now; false: it is reserved for them. */
  readonly mapped: boolean;
}

interface Taken {
  readonly windows: Set<NamedRange>;
  readonly backing: Set<Backing>;
}

const TAKEN = new WeakMap<V86Cpu, Taken>();
/** Handlers of windows: v86 keeps those of detached devices, and they do nothing. */
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

/**
 * The handler of addresses without a device: v86 registers it for everything above RAM
 * before its devices.
 */
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
 * Reserves a window for the caller.
 * @returns a function that releases it.
 * @throws {RangeError} when it does not consist of whole blocks below 4 GiB, or is
 *   occupied.
 */
export function claimWindow(cpu: V86Cpu, window: NamedRange): () => void {
  const { gpa, size } = window;
  if (gpa % V86_BLOCK || size % V86_BLOCK || gpa + size > 2 ** 32)
    throw new RangeError(
      `${rangeText(window)} must be whole blocks of 0x${V86_BLOCK.toString(16)} bytes below 4 GiB`,
    );
  const ram = { name: 'RAM', gpa: 0, size: cpu.mem8.length };
  if (rangesOverlap(window, ram)) throw new RangeError(overlapText(window, ram));
  // Windows first: their names are more helpful than the fact that v86 has a handler.
  const release = add(takenOf(cpu).windows, window);
  const other = ofV86(cpu, window);
  if (!other) return release;
  release();
  throw new RangeError(overlapText(window, other));
}

/** Marks a window's handler, to distinguish it from those of v86's devices. */
export function windowHandler<T extends object>(handler: T): T {
  WINDOW_HANDLERS.add(handler);
  return handler;
}

/**
 * Reserves RAM for registers before they are mapped there.
 * @param owner who will map them.
 * @returns a function that releases it.
 * @throws {RangeError} when some of it has another owner.
 */
export function reserveBacking(cpu: V86Cpu, range: NamedRange, owner: object): () => void {
  return add(takenOf(cpu).backing, { ...range, owner, mapped: false });
}

/**
 * Claims RAM to which registers are mapped.
 * @returns a function that releases it.
 * @throws {RangeError} when some of it backs other registers, or is reserved for another
 *   owner.
 */
export function claimBacking(cpu: V86Cpu, range: NamedRange, owner: object): () => void {
  const own = { ...range, owner, mapped: true };
  return add(takenOf(cpu).backing, own, (other) => other.mapped || other.owner !== owner);
}
