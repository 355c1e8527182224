// SPDX-License-Identifier: MIT
// Records what machines do, event by event, with a picture of all of them at each event.
// It does not change their behaviour, and its own failure ends the recording, not a
// machine.

import type { Frame, Picture, Recorded, VmPicture } from '../../protocol.ts';
import type { ShownQueue } from '../picture.ts';
import { changesBetween, type EventText, type PictureChange } from './changes.ts';
import { FrameStore } from './frame-store.ts';

/**
 * Maximum number of events of one step; if a guest causes more, it continues without
 * being recorded.
 */
const MOST_IN_STEP = 1024;

/** A picture with the consoles from later. */
function withConsoles(picture: Picture, later: Picture): Picture {
  const vms = picture.vms.map((vm, i) => {
    const written = later.vms[i]?.written ?? vm.written;
    return written === vm.written ? vm : { ...vm, written };
  });
  return { ...picture, vms };
}

type Exits = VmPicture['exits'];

/** A picture with the exits of one machine from another time. */
function withExits(picture: Picture, name: string, exits: Exits | undefined): Picture {
  if (!exits) return picture;
  const vms = picture.vms.map((vm) => (vm.name === name ? { ...vm, exits } : vm));
  return { ...picture, vms };
}

/** A series of events that are reported as one. */
interface Series {
  readonly group: string;
  readonly vm: string;
  count: number;
  /** Of its machine at the last event, when that is not the first. */
  exits?: Exits | undefined;
}

export class Recorder {
  readonly #picture: () => Picture;
  readonly #exits: (vm: string) => Exits | undefined;
  readonly #store: FrameStore;
  /** By machine: a queue in the middle of a step. */
  readonly #shown = new Map<string, ShownQueue>();
  #before: Picture | undefined;
  #looking = false;
  #inStep = 0;
  readonly #soon: EventText[] = [];
  /** The series of the last event. */
  #run: Series | undefined;
  /** A machine whose last exit comes after what is observed. */
  #held = '';
  #stopped = '';
  #suspended = false;

  /**
   * @param picture returns the current state of the machines.
   * @param exits returns that part of a machine's state.
   */
  constructor(
    picture: () => Picture,
    exits: (vm: string) => Exits | undefined = () => undefined,
    store: FrameStore = new FrameStore(),
  ) {
    this.#picture = picture;
    this.#exits = exits;
    this.#store = store;
  }

  /** True while it reads registers for a picture, which are not accesses of a guest. */
  get looking(): boolean {
    return this.#looking;
  }

  /** True while events are recorded. */
  get active(): boolean {
    return this.#stopped === '' && !this.#suspended && this.#inStep < MOST_IN_STEP;
  }

  get recorded(): Recorded {
    const { first, last } = this.#store;
    return { first, last, stopped: this.#stopped };
  }

  frame(number: number): Frame | undefined {
    return this.#store.get(number);
  }

  /** What a picture shows for a machine's queue in place of its PROD. */
  shownOf(vm: string): ShownQueue | undefined {
    return this.#shown.get(vm);
  }

  /** Shows a queue of a machine in the middle of a step; undefined: its actual state. */
  show(vm: string, queue: ShownQueue | undefined): void {
    if (queue) this.#shown.set(vm, queue);
    else this.#shown.delete(vm);
  }

  /**
   * Pauses or resumes the recording.
   * @param event the reason, and what is left out.
   */
  suspend(suspended: boolean, event: EventText): void {
    if (suspended === this.#suspended) return;
    if (suspended) this.tell(event);
    this.#suspended = suspended;
    this.safely(() => {
      this.#before = this.#look();
      this.event(event);
    });
  }

  /** The machines start a step. */
  beginStep(): void {
    this.#inStep = 0;
    this.safely(() => this.observe(''));
  }

  /** The machines have ended the step. */
  endStep(): void {
    const missed = this.#inStep >= MOST_IN_STEP;
    this.#inStep = 0;
    this.safely(() => {
      const text = `More than ${MOST_IN_STEP} events in one step: the rest of it was not recorded.`;
      if (missed) this.#before = this.#look();
      if (missed) this.event({ kind: 'registers', vm: '', text, mark: {} });
      else this.observe('');
    });
  }

  /**
   * Executes a part of the recording; an error in it ends the recording. No effect
   * afterwards.
   */
  safely(part: () => void): void {
    if (!this.active) return;
    try {
      part();
    } catch (error) {
      this.#stopped = `Recording has stopped: ${error instanceof Error ? error.message : error}`;
    }
  }

  /** Executes something that reads the machines, and is not part of their work. */
  quietly<T>(look: () => T): T {
    const before = this.#looking;
    this.#looking = true;
    try {
      return look();
    } finally {
      this.#looking = before;
    }
  }

  #look(): Picture {
    return this.quietly(this.#picture);
  }

  #add(event: EventText, picture: Picture): void {
    const { kind, vm, text, mark } = event;
    this.#inStep++;
    this.#run = undefined;
    this.#store.add({ kind, vm, text, mark, picture });
  }

  /**
   * Extends a series of events that are reported as one while nothing else happens in
   * between.
   * @param group identifies the series.
   * @param text the description of a number of events.
   */
  series(group: string, event: Omit<EventText, 'text'>, text: (count: number) => string): void {
    const run = this.#run;
    if (run?.group === group) {
      run.count++;
      run.exits = this.#exits(run.vm);
      this.#store.retell({ text: text(run.count) });
      return;
    }
    this.observe('', [], [{ ...event, text: text(1) }]);
    this.#run = { group, vm: event.vm, count: 1 };
  }

  /** Observes what a machine has done before its last exit, which is counted already. */
  holdExits(vm: string, part: () => void): void {
    this.#held = vm;
    try {
      part();
    } finally {
      this.#held = '';
    }
  }

  /** An event shown with the current state of the machines. */
  event(event: EventText): void {
    this.#before ??= this.#look();
    this.#add(event, this.#before);
  }

  /** An event to add after those of the next observation. */
  soon(event: EventText): void {
    this.#soon.push(event);
  }

  /** An event from another source, after the changes until now. */
  tell(event: EventText): void {
    this.safely(() => this.observe('', [], [event]));
  }

  /**
   * Events of the changes since the last observation.
   * @param by what was executed in between: why IOTLB entries were invalidated.
   * @param leads events that come first; their changes are shown with the last of them.
   * @param last events that come last.
   */
  observe(by: string, leads: readonly PictureChange[] = [], last: readonly EventText[] = []): void {
    const run = this.#run;
    let before = this.#before ?? this.#look();
    let now = this.#look();
    if (run) {
      // A guest writes to its console by exits, which are reported in series: the output
      // belongs to them.
      before = withExits(withConsoles(before, now), run.vm, run.exits);
      this.#store.retell({ picture: before });
    }
    const held = before.vms.find(({ name }) => name === this.#held);
    now = withExits(now, this.#held, held?.exits);
    this.#before = now;
    this.#run = undefined;
    const exit = last.find(({ kind }) => kind === 'exit')?.vm ?? '';
    const atExit = before.vms.find(({ name }) => name === exit);
    const soon = withExits(now, exit, atExit?.exits);
    const behind = [
      ...this.#soon.splice(0).map((event) => ({ ...event, apply: () => soon })),
      ...last.map((event) => ({ ...event, apply: () => now })),
    ];
    const changes: readonly PictureChange[] = [
      ...leads,
      ...changesBetween(before, now, by),
      ...behind,
    ];
    let picture = before;
    for (const [i, change] of changes.entries()) {
      picture = i === changes.length - 1 ? now : change.apply(picture);
      this.#add(change, picture);
    }
  }
}
