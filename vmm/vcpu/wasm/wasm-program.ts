// SPDX-License-Identifier: MIT
// The calls of a Wasm vCPU: the next export, and the meaning of its result
// (docs/guest-abi.md).

import { RUN_IDLE, RUN_OFF, RUN_YIELD } from '../../../assembly/layout/guest-abi.ts';
import { MachineError } from '../../../devices/plugin/index.ts';
import type { VcpuEntry, VcpuExit, VcpuState } from '../vcpu.ts';
import { GuestExit, thrownError } from './guest-errors.ts';
import { type GuestShape, SECONDARY_ENTRY } from './guest-image.ts';

/** A guest's main program, or that of secondary vCPUs. */
export type ProgramShape = GuestShape | 'secondary';

/** An export to call. */
export interface ProgramCall {
  readonly name: string;
  readonly args: readonly number[];
}

const YIELD: VcpuExit = { reason: 'yield' };
const IDLE: VcpuExit = { reason: 'idle' };
const OFF: VcpuExit = { reason: 'off', code: 0 };

/** The consequence for a vCPU of a value thrown through its guest's frames. */
export function exitOf(vcpu: number, thrown: unknown): VcpuExit {
  if (thrown instanceof GuestExit) return { reason: 'off', code: thrown.code };
  return { reason: 'failed', error: MachineError.of(`guest vCPU ${vcpu}`, thrownError(thrown)) };
}

export class WasmProgram {
  readonly #vcpu: number;
  readonly #shape: ProgramShape;
  #argument = 0;
  /** A reactor has run its `_initialize`. */
  #initialized = false;

  constructor(vcpu: number, shape: ProgramShape) {
    this.#vcpu = vcpu;
    this.#shape = shape;
  }

  get shape(): ProgramShape {
    return this.#shape;
  }

  reset({ argument }: VcpuEntry): void {
    this.#argument = argument;
    this.#initialized = false;
  }

  /** The export that the next slice calls. */
  next(budget: number): ProgramCall {
    if (this.#shape === 'secondary')
      return { name: SECONDARY_ENTRY, args: [this.#vcpu, this.#argument] };
    if (this.#shape === 'command') return { name: '_start', args: [] };
    if (this.#initialized) return { name: 'vsmmu_run', args: [budget] };
    return { name: '_initialize', args: [] };
  }

  /** The meaning of a result of the last slice's export. */
  returned(result: unknown): VcpuExit {
    if (this.#shape === 'command') return OFF;
    if (this.#shape === 'reactor' && !this.#initialized) {
      this.#initialized = true;
      return YIELD;
    }
    if (result === RUN_OFF || (this.#shape === 'secondary' && result === undefined)) return OFF;
    if (result === RUN_YIELD) return YIELD;
    if (result === RUN_IDLE) return IDLE;
    const { name } = this.next(0);
    // A guest's object (`allowGc`) has no text, and converting one throws; several
    // results are a list of such objects.
    const text = typeof result === 'object' && result !== null ? 'an object' : String(result);
    return exitOf(this.#vcpu, new Error(`${name} returned ${text}`));
  }

  /**
   * Between two slices the whole state of a Wasm guest is in its memory; globals are not
   * guaranteed to be kept (docs/guest-abi.md).
   */
  save(): VcpuState {
    return { kind: 'wasm', argument: this.#argument, initialized: this.#initialized };
  }

  /** @throws {TypeError} when the state is not a result of `save`. */
  restore(state: VcpuState): void {
    const { kind, argument, initialized } = state;
    if (kind !== 'wasm' || typeof argument !== 'number' || typeof initialized !== 'boolean')
      throw new TypeError('this is not a state of a Wasm vCPU');
    this.#argument = argument;
    this.#initialized = initialized;
  }
}
