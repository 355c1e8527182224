// SPDX-License-Identifier: MIT
// Which event the page shows: forward, back, to any one that is recorded, or slowly by itself. At the end of
// what is recorded the machines take a step, which records more.

import type { Remote } from 'comlink';
import type { EventKind, Frame, Picture, Recorded, Vmm } from '../protocol.ts';

const NONE: Recorded = { first: 0, last: -1, stopped: '' };
/** From one event to the next while they play. */
const PLAY_MS = 900;
/** Steps of the machines in which no event is found, before it is looked no further. */
const MOST_STEPS = 40;
/** Which events are gone through, by what is left out. */
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

/** The page, as far as events go. */
export interface EventStage {
  readonly vmm: Remote<Vmm> | undefined;
  /** The machines as they are now. */
  readonly picture: Picture | undefined;
  /** Draws what holds now. */
  drawn(): Promise<void>;
}

/** Shows what machines stand at that were running, or have taken a step. */
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
  #playing: ReturnType<typeof setTimeout> | undefined;
  #last = Promise.resolve();
  /** Asked for by the user, and not done yet. */
  #asked = 0;
  /** Counts the machines that there have been. */
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

  get playing(): boolean {
    return this.#playing !== undefined;
  }

  /** Which events Forward and Back go through. */
  get filter(): EventFilter {
    return this.#filter;
  }

  /** The event that is shown, unless it is the last one, behind which the machines are as they are now. */
  get earlier(): Frame | undefined {
    const { frame } = this;
    return frame && frame.number < this.#recorded.last ? frame : undefined;
  }

  /** Other machines have taken the place of the ones before, with their events recorded or not. */
  clear(on: boolean): void {
    this.#stop();
    this.#on = on;
    this.#recorded = NONE;
    this.#frame = undefined;
    // Machines that have gone leave what they were asked without an answer.
    this.#last = Promise.resolve();
    this.#asked = 0;
    this.#machines++;
  }

  #draw(): void {
    this.#stage.drawn().catch(reportError);
  }

  /** One after the other, so that each begins where the last one has come to. */
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

  /** What the user asks for; keys come faster than frames. */
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

  /** The machines have come further by themselves, and run on, or stand still now. */
  heard(): void {
    // What is asked for looks itself.
    if (this.#asked > 0 || !this.#on) return;
    this.#do(async (vmm) => {
      this.#recorded = await vmm.recorded();
      this.#frame = this.#runs ? undefined : await vmm.frame(this.#recorded.last);
    }).catch(reportError);
  }

  #seek(vmm: Remote<Vmm>, from: number, by: 1 | -1): Promise<Frame | undefined> {
    return vmm.seek(from, by, EVENT_FILTERS[this.#filter]);
  }

  #ahead(): void {
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
      if (found) this.#frame = found;
      else this.#stop();
    });
  }

  forward(): void {
    this.#stop();
    this.#ahead();
  }

  back(): void {
    this.#stop();
    this.#ask(async (vmm) => {
      const from = (this.#frame?.number ?? this.#recorded.last + 1) - 1;
      this.#frame = (await this.#seek(vmm, from, -1)) ?? this.#frame;
    });
  }

  /** Shows the event of a number. @param missing hears why there is none, in one line. */
  go(number: number, missing: (why: string) => void = () => undefined): void {
    this.#stop();
    if (!this.#on) missing(`event=${number}: no events are recorded; ignored.`);
    this.#ask(async (vmm) => {
      const frame = await vmm.frame(number);
      if (frame) this.#frame = frame;
      else missing(`event=${number}: ${recordedText(this.#recorded)}; ignored.`);
    });
  }

  choose(filter: EventFilter): void {
    this.#filter = filter;
    this.#draw();
  }

  /** Plays slowly, or stops. */
  togglePlay(): void {
    if (this.playing) this.#stop();
    else this.#play();
    this.#draw();
  }

  #play(): void {
    this.#playing = setTimeout(() => {
      this.#play();
      // A page that nobody looks at stands still.
      if (!document.hidden) this.#ahead();
    }, PLAY_MS);
  }

  #stop(): void {
    clearTimeout(this.#playing);
    this.#playing = undefined;
  }
}
