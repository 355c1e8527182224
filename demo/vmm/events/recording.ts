// SPDX-License-Identifier: MIT
// The recording of a session: a recorder, and a watcher of each machine.

import { CHECKPOINT_PHASE_MEASURE } from 'vsmmu';
import type { EventKind, Frame, Picture, Recorded, VmPicture } from '../../protocol.ts';
import type { ShownQueue } from '../picture.ts';
import { MachineWatcher } from './machine-watcher.ts';
import { Recorder } from './recorder.ts';

export class Recording {
  readonly #recorder: Recorder;

  /** The machine that takes a step; undefined for none. */
  #acting: string | undefined;

  /**
   * @param picture returns the current state; only the named machine, if any, can have
   *   changed.
   * @param exits returns that part of a machine's state.
   */
  constructor(
    picture: (acting: string | undefined) => Picture,
    exits: (vm: string) => VmPicture['exits'],
  ) {
    this.#recorder = new Recorder(() => picture(this.#acting), exits);
  }

  /** Records a machine, when it is attached to it. */
  watcher(name: string): MachineWatcher {
    return new MachineWatcher(this.#recorder, name);
  }

  /** Reads the machines: this is not an access of a guest. */
  quietly<T>(look: () => T): T {
    return this.#recorder.quietly(look);
  }

  get recorded(): Recorded {
    return this.#recorder.recorded;
  }

  frame(number: number): Frame | undefined {
    return this.#recorder.frame(number);
  }

  /** The first frame from a number on of any other kind than these. */
  seek(from: number, by: 1 | -1, without: readonly EventKind[]): Frame | undefined {
    let frame = this.frame(from);
    while (frame && without.includes(frame.kind)) frame = this.frame(frame.number + by);
    return frame;
  }

  /** What a picture shows for a machine's queue in place of its PROD. */
  shownOf(vm: string): ShownQueue | undefined {
    return this.#recorder.shownOf(vm);
  }

  /** A machine is about to take a step. */
  begin(name: string): void {
    this.#recorder.beginStep();
    this.#acting = name;
  }

  /** It has taken it. */
  end(): void {
    this.#acting = undefined;
    this.#recorder.endStep();
  }

  /** A guest has reported a check. */
  checked(vm: string, check: { readonly name: string; readonly ok: boolean }): void {
    const text = `${vm} has checked ${check.name}: ${check.ok ? 'ok' : 'it FAILS'}.`;
    this.#recorder.tell({ kind: 'check', vm, text, mark: {} });
  }

  /**
   * A guest starts or ends a phase. While it measures nothing is recorded, so that its
   * times are valid.
   */
  phase(vm: string, phase: number, ended: boolean): void {
    if (phase !== CHECKPOINT_PHASE_MEASURE) return;
    const text = ended
      ? `${vm} has measured its invalidations; events are recorded again.`
      : `${vm} measures its invalidations: nothing is recorded meanwhile, so that the times are true.`;
    this.#recorder.suspend(!ended, { kind: 'check', vm, text, mark: {} });
  }

  /** The sanitizer has detected a stale entry in use. */
  suspect(text: string): void {
    this.#recorder.tell({
      kind: 'suspect',
      vm: '',
      text: `In use although stale: ${text}.`,
      mark: {},
    });
  }

  /** Its invalidation has not come. */
  found(text: string): void {
    this.#recorder.tell({
      kind: 'finding',
      vm: '',
      text: `The sanitizer finds: ${text}.`,
      mark: {},
    });
  }
}
