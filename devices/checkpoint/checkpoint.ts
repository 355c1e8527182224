// SPDX-License-Identifier: MIT
// Checkpoint device: a guest reports to its host the phase of a run and the results of
// its checks.

import {
  CHECKPOINT_DATA,
  CHECKPOINT_DATA_WORDS,
  CHECKPOINT_ID,
  CHECKPOINT_ID_VALUE,
  CHECKPOINT_MAX_TEXT,
  CHECKPOINT_PHASE,
  CHECKPOINT_PHASE_END,
  CHECKPOINT_REGION_SIZE,
  CHECKPOINT_RESULT,
} from '../../assembly/layout/checkpoint-registers.ts';
import { ABI_KIND_CHECKPOINT } from '../../assembly/layout/guest-abi.ts';
import {
  type Device,
  type DeviceHost,
  type DeviceState,
  type GuestMemory,
  type MmioAccess,
  PLUGIN_INTERFACE_VERSION,
  RegisterFile,
  stateFields,
  unnamedRegister,
} from '../plugin/index.ts';
import { callback, checkOptions, type OptionKinds } from '../plugin/option-kinds.ts';

/** Receivers of a guest's reports. */
export interface CheckpointOptions {
  /**
   * A phase (CHECKPOINT_PHASE_*, 31 bits) began or ended; `data` is a copy of the eight
   * payload words.
   */
  onPhase(phase: number, ended: boolean, data: readonly number[]): void;
  /**
   * A check of the guest. Both texts are printable ASCII of at most CHECKPOINT_MAX_TEXT
   * characters, regardless of what the guest wrote.
   */
  onResult(name: string, ok: boolean, detail: string): void;
}

const OPTIONS: OptionKinds<CheckpointOptions> = {
  onPhase: callback,
  onResult: callback,
};

const REGISTERS = [
  { name: 'ID', offset: CHECKPOINT_ID, reset: CHECKPOINT_ID_VALUE },
  { name: 'PHASE', offset: CHECKPOINT_PHASE, writable: 0xffffffff },
  { name: 'RESULT', offset: CHECKPOINT_RESULT, writable: 0xffffffff },
  { name: 'DATA', offset: CHECKPOINT_DATA, count: CHECKPOINT_DATA_WORDS, writable: 0xffffffff },
];

/**
 * Printable ASCII unchanged, any other byte as a question mark: the text is shown on
 * terminals and in logs.
 */
function printable(byte: number): string {
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '?';
}

/**
 * Text of `length` bytes at a gpa, truncated at CHECKPOINT_MAX_TEXT bytes and at the end
 * of RAM.
 */
function readText(memory: GuestMemory, gpa: number, length: number): string {
  let text = '';
  let word = 0n;
  const end = gpa + Math.min(length, CHECKPOINT_MAX_TEXT);
  for (let at = gpa; at < end; at++) {
    if (at === gpa || at % 8 === 0) {
      const loaded = memory.load64(at - (at % 8));
      if (loaded === undefined) break;
      word = loaded;
    }
    text += printable(Number((word >> BigInt(8 * (at % 8))) & 0xffn));
  }
  return text;
}

/**
 * The checkpoint device: a guest reports to its host what it does and how its checks end.
 */
export class Checkpoint implements Device {
  readonly name = 'checkpoint';
  readonly interfaceVersion = PLUGIN_INTERFACE_VERSION;
  readonly identity = { kind: ABI_KIND_CHECKPOINT, interrupts: 0, busMaster: false };
  readonly regions = [
    { name: 'checkpoint', size: CHECKPOINT_REGION_SIZE, accessSizes: [4] as const },
  ];
  readonly #options: CheckpointOptions;
  #memory: GuestMemory | undefined;
  private readonly registers = new RegisterFile(CHECKPOINT_REGION_SIZE, REGISTERS);

  /** @throws {TypeError} when an option is unknown, or is not a function. */
  constructor(options: CheckpointOptions) {
    checkOptions(options, OPTIONS, 'Checkpoint', ['onPhase', 'onResult']);
    this.#options = options;
  }

  attach(host: DeviceHost): void {
    this.#memory = host.memory;
  }

  reset(): void {
    this.registers.reset();
  }

  read(access: MmioAccess): void {
    this.registers.read(access);
  }

  write(access: MmioAccess): void {
    this.registers.write(access);
    if (access.offset === CHECKPOINT_PHASE) {
      const ended = access.lo >= CHECKPOINT_PHASE_END;
      this.#options.onPhase(
        ended ? access.lo - CHECKPOINT_PHASE_END : access.lo,
        ended,
        this.#data(),
      );
    } else if (access.offset === CHECKPOINT_RESULT) {
      const [nameGpa, nameLength, detailGpa, detailLength] = this.#data();
      this.#options.onResult(
        this.#text(nameGpa, nameLength),
        access.lo === 1,
        this.#text(detailGpa, detailLength),
      );
    }
  }

  #data(): number[] {
    return Array.from({ length: CHECKPOINT_DATA_WORDS }, (_, i) =>
      this.registers.get(CHECKPOINT_DATA + 4 * i),
    );
  }

  #text(gpa = 0, length = 0): string {
    return this.#memory ? readText(this.#memory, gpa, length) : '';
  }

  save(): DeviceState {
    return { registers: this.registers.save() };
  }

  restore(state: DeviceState): void {
    this.registers.restore(stateFields(state, 'registers').registers);
  }

  registerName(region: number, offset: number): string {
    return this.registers.nameAt(offset) ?? unnamedRegister(this.regions[region], offset);
  }
}
