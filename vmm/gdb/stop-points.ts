// SPDX-License-Identifier: MIT
// Breakpoints and watchpoints that GDB has set (packets Z and z).

import type { DebugTarget, WatchedAccess, Watchpoint } from '../vcpu/index.ts';
import { lengthOf, numberOf } from './gdb-packets.ts';

/** Bytes of a watchpoint, at most. */
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
  /** Those of one kind and place are one: by both. */
  readonly #breakpoints = new Map<string, bigint>();
  readonly #watchpoints = new Map<string, Watchpoint>();

  constructor(target: DebugTarget) {
    this.#target = target;
  }

  /** `Z` and `z`: the reply. What is there already, or is not there any more, is no error. */
  change(text: string): string {
    const [type = '', place, size, ...more] = text.slice(1).split(',');
    const address = numberOf(place);
    const length = lengthOf(size);
    // What follows a `;` are conditions and commands, which nobody was told would work.
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

  /** Sets one, or takes it away; as before where the target has no room for it. */
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

  /** What GDB calls the breakpoint at an address. */
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
