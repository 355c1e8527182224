// SPDX-License-Identifier: MIT
// Breakpoints and watchpoints that GDB has set (packets Z and z).

import type { DebugTarget, WatchedAccess, Watchpoint } from '../vcpu/index.ts';
import { lengthOf, numberOf } from './gdb-packets.ts';

/** Maximum number of bytes of a watchpoint. */
const MAX_LENGTH = 0x10000;
const SOFTWARE = '0';
const HARDWARE = '1';
const ACCESSES: ReadonlyMap<string, WatchedAccess> = new Map([
  ['2', 'write'],
  ['3', 'read'],
  ['4', 'any'],
]);

export class StopPoints {
  readonly #target: DebugTarget;
  /** By kind and place: equal ones are the same. */
  readonly #breakpoints = new Map<string, bigint>();
  readonly #watchpoints = new Map<string, Watchpoint>();

  constructor(target: DebugTarget) {
    this.#target = target;
  }

  /**
   * Handles `Z` and `z`, and returns the reply. Setting one again or removing a missing
   * one is not an error.
   */
  change(text: string): string {
    const [type = '', place, size, ...more] = text.slice(1).split(',');
    const address = numberOf(place);
    const length = lengthOf(size);
    // After a `;` there are conditions and commands, which GDB was not told are
    // supported.
    if (address === undefined || length === undefined || more.length > 0) return 'E01';
    const isSet = text.startsWith('Z');
    const key = `${type},${address},${length}`;
    const accesses = ACCESSES.get(type);
    if (accesses !== undefined) {
      if (length < 1 || length > MAX_LENGTH) return 'E01';
      return this.#put(this.#watchpoints, key, isSet ? { address, length, accesses } : undefined);
    }
    if (type !== SOFTWARE && type !== HARDWARE) return '';
    return this.#put(this.#breakpoints, key, isSet ? address : undefined);
  }

  /** Sets or removes one; unchanged when the target has no space for it. */
  #put<T>(points: Map<string, T>, key: string, value: T | undefined): string {
    const isNew = value !== undefined && !points.has(key);
    if (value === undefined) points.delete(key);
    else points.set(key, value);
    if (this.#apply()) return 'OK';
    if (isNew) points.delete(key);
    return 'E28';
  }

  #apply(): boolean {
    return (
      this.#target.setBreakpoints([...new Set(this.#breakpoints.values())]) &&
      this.#target.setWatchpoints([...this.#watchpoints.values()])
    );
  }

  /** The kind of the breakpoint at an address, in GDB's terms. */
  nameOf(address: bigint | undefined): 'swbreak' | 'hwbreak' {
    const isHardware = [...this.#breakpoints].some(
      ([key, value]) => value === address && key.startsWith(`${HARDWARE},`),
    );
    return isHardware ? 'hwbreak' : 'swbreak';
  }

  clear(): void {
    this.#breakpoints.clear();
    this.#watchpoints.clear();
    this.#apply();
  }
}
