// SPDX-License-Identifier: MIT
// Selects the event that the page shows: forward, back, any recorded one, or slowly by
// itself. At the end of the recording the machines take a step, which records more.

import type { Remote } from 'comlink';
import type { EventKind, Frame, Picture, Recorded, Vmm } from '../protocol.ts';

const NONE: Recorded = { first: 0, last: -1, stopped: '' };
/** Time between events while they play. */
const PLAY_MS = 900;
/** Maximum number of steps without an event, after which the search ends. */
const MOST_STEPS = 40;
/** Filters for events, by the kinds that are left out. */
export const EVENT_FILTERS = {
  'every event': [],
  'without exits': ['exit'],
  'turning points': [
    'exit',
    'entry',
    'doorbell',
    'fetch',
    'replace',
    'cons',
    'registers',
    'dma-hit',
    'dma-walk',
    'tlb-in',
  ],
} as const satisfies Readonly<Record<string, readonly EventKind[]>>;
export type EventFilter = keyof typeof EVENT_FILTERS;

/** The parts of the page that events use. */
export interface EventStage {
  readonly vmm: Remote<Vmm> | undefined;
  /** The machines in their current state. */
  readonly picture: Picture | undefined;
  /** Draws the current state. */
  drawn(): Promise<void>;
}

/** Shows the state of machines that were running, or have taken a step. */
export type Stand = (vmm: Remote<Vmm>, asked: Promise<Picture>) => Promise<void>;

const recordedText = ({ first, last }: Recorded) =>
  last < first ? 'no event is recorded yet' : `events ${first} to ${last} are recorded`;

export class EventSteps {
  readonly #stage: EventStage;
  readonly #stand: Stand;
  /** Events are recorded. */
  #on = false;
  #recorded = NONE;
  #frame: Frame | undefined;
  #filter: EventFilter = 'without exits';
  /** The event that machines are on their way to. */
  #heading: number | undefined;
  #playing: ReturnType<typeof setTimeout> | undefined;
  #last = Promise.resolve();
  /** Number of requests of the user that are not done yet. */
  #asked = 0;
  /** Counts the sets of machines so far. */
  #machines = 0;

  constructor(stage: EventStage, stand: Stand) {
    this.#stage = stage;
    this.#stand = stand;
  }

  /** Events are recorded. */
  get on(): boolean {
    return this.#on;
  }

  get recorded(): Recorded {
    return this.#recorded;
  }

  /** The event that is shown; undefined while machines run, and before there is one. */
  get frame(): Frame | undefined {
    return this.#frame;
  }

  /** The shown event is the oldest that is kept, and not the first one. */
  get isOldest(): boolean {
    const { first } = this.#recorded;
    return first > 0 && this.#frame?.number === first;
  }

  /** The event that machines are on their way to; until then none is shown. */
  get heading(): number | undefined {
    return this.#heading;
  }

  /** The machines begin to run to an event, which `go` shows. */
  head(number: number): void {
    if (this.#on) this.#heading = number;
  }

  get playing(): boolean {
    return this.#playing !== undefined;
  }

  /** The filter for Forward and Back. */
  get filter(): EventFilter {
    return this.#filter;
  }

  /**
   * The event that is shown, unless it is the last one, after which the machines are in
   * their current state.
   */
  get earlier(): Frame | undefined {
    const { frame } = this;
    return frame && frame.number < this.#recorded.last ? frame : undefined;
  }

  /** Other machines have replaced the former ones, with or without recorded events. */
  clear(on: boolean): void {
    this.#stop();
    this.#on = on;
    this.#recorded = NONE;
    this.#frame = undefined;
    this.#heading = undefined;
    // Machines that have ended leave requests unanswered.
    this.#last = Promise.resolve();
    this.#asked = 0;
    this.#machines++;
  }

  #draw(): void {
    this.#stage.drawn().catch(reportError);
  }

  /**
   * One request after the other, so that each starts from the result of the previous one.
   */
  #do(part: (vmm: Remote<Vmm>) => Promise<void>): Promise<void> {
    const machines = this.#machines;
    this.#last = this.#last.then(async () => {
      const { vmm } = this.#stage;
      if (machines !== this.#machines || !this.#on || !vmm) return;
      await part(vmm);
      this.#draw();
    });
    return this.#last;
  }

  get #runs(): boolean {
    return this.#stage.picture?.state === 'running';
  }

  /** A request of the user; keys may be faster than frames. */
  #ask(part: (vmm: Remote<Vmm>) => Promise<void>): void {
    if (this.#asked > 1) return;
    this.#asked++;
    this.#do(async (vmm) => {
      if (this.#runs) await this.#stand(vmm, vmm.pause());
      this.#recorded = await vmm.recorded();
      await part(vmm);
    })
      .finally(() => {
        this.#asked = Math.max(0, this.#asked - 1);
      })
      .catch(reportError);
  }

  /**
   * There is a picture of the machines, which run or are stopped now. It may be a late one
   * of a step whose events are on the page already, of which the user has chosen one.
   */
  heard(): void {
    // Requests check for themselves.
    if (this.#asked > 0 || !this.#on) return;
    this.#do(async (vmm) => {
      const { last } = this.#recorded;
      this.#recorded = await vmm.recorded();
      if (this.#runs || this.#heading !== undefined) this.#frame = undefined;
      else if (!this.#frame || this.#recorded.last !== last)
        this.#frame = await vmm.frame(this.#recorded.last);
    }).catch(reportError);
  }

  #seek(vmm: Remote<Vmm>, from: number, by: 1 | -1): Promise<Frame | undefined> {
    return vmm.seek(from, by, EVENT_FILTERS[this.#filter]);
  }

  #ahead(): void {
    if (this.#heading !== undefined) return;
    this.#ask(async (vmm) => {
      let from = (this.#frame?.number ?? this.#recorded.last) + 1;
      let found = await this.#seek(vmm, from, 1);
      for (let step = 0; !found && step < MOST_STEPS; step++) {
        if (this.#stage.picture?.state === 'ended') break;
        await this.#stand(vmm, vmm.step());
        this.#recorded = await vmm.recorded();
        from = Math.max(from, this.#recorded.first);
        found = await this.#seek(vmm, from, 1);
      }
      if (!found) this.#stop();
      // Beyond the last event to stop at is the end of the recording.
      this.#frame = found ?? (await vmm.frame(this.#recorded.last)) ?? this.#frame;
    });
  }

  forward(): void {
    this.#stop();
    this.#ahead();
  }

  back(): void {
    this.#stop();
    if (this.#heading !== undefined) return;
    this.#ask(async (vmm) => {
      const from = (this.#frame?.number ?? this.#recorded.last + 1) - 1;
      // Before the first event to stop at is the beginning of the recording.
      const found = (await this.#seek(vmm, from, -1)) ?? (await vmm.frame(this.#recorded.first));
      this.#frame = found ?? this.#frame;
    });
  }

  /**
   * Shows the event with a number.
   * @param missing called with the reason, in one line, when there is none.
   */
  go(number: number, missing: (why: string) => void = () => undefined): void {
    this.#stop();
    if (!this.#on) missing(`event=${number}: no events are recorded; ignored.`);
    this.#ask(async (vmm) => {
      const frame = await vmm.frame(number);
      this.#heading = undefined;
      if (frame) this.#frame = frame;
      else missing(`event=${number}: ${recordedText(this.#recorded)}; ignored.`);
    });
  }

  choose(filter: EventFilter): void {
    this.#filter = filter;
    this.#draw();
  }

  /** Plays slowly, or stops playing. */
  togglePlay(): void {
    if (this.playing) this.#stop();
    else this.#play();
    this.#draw();
  }

  #play(): void {
    this.#playing = setTimeout(() => {
      this.#play();
      // Paused while the page is hidden.
      if (!document.hidden) this.#ahead();
    }, PLAY_MS);
  }

  #stop(): void {
    clearTimeout(this.#playing);
    this.#playing = undefined;
  }
}
