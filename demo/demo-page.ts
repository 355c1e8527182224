// SPDX-License-Identifier: MIT
// The page: draws what the VMM's worker sends, and tells it what to do. No part of a machine runs on this thread.

import type { Remote } from 'comlink';
import { render } from 'lit-html';
import {
  changeOf,
  corrections,
  experimentSettings,
  isLive,
  leavingTour,
  machineNames,
  readSettings,
  type Settings,
  settingProblems,
  tourSettings,
  writeSettings,
} from './demo-settings.ts';
import { guestOf, readFiles } from './guest-files.ts';
import { becomeIsolated } from './isolation.ts';
import { Charts } from './page/charts.ts';
import { onThemeChange, restoreTheme, toggleTheme } from './page/colours.ts';
import { consoleTabs } from './page/console-tabs.ts';
import { type Actions, bar } from './page/controls.ts';
import { copyText } from './page/copy-text.ts';
import { Traffic } from './page/drawing.ts';
import { element } from './page/element.ts';
import { eventPanel } from './page/event-panel.ts';
import { EventSteps } from './page/event-steps.ts';
import { startExplaining } from './page/explain.ts';
import { type Presence, watchPresence } from './page/idle.ts';
import { lesson } from './page/lesson.ts';
import { listenToDrops, listenToKeys } from './page/listen.ts';
import {
  COPIED_MS,
  IDLE,
  lostGuest,
  NO_CLIPBOARD,
  rememberGuest,
  SILENT,
  SILENT_MS,
} from './page/notices.ts';
import { Painter, type Part } from './page/painter.ts';
import { pictureParts } from './page/picture-parts.ts';
import { strip } from './page/strip.ts';
import { Terminals } from './page/terminals.ts';
import { TlbPages } from './page/tlb-pages.ts';
import { thingsToTry } from './page/try.ts';
import { VmmWorker } from './page/vmm-worker.ts';
import { writeUrl } from './page/write-url.ts';
import type { PickedGuest, Picture, SessionFacts, Vmm } from './protocol.ts';
import { tourStop } from './tour.ts';

class Page implements Actions {
  /** Of the machines that are there. */
  #settings: Settings;
  #running: VmmWorker | undefined;
  /** Machines in the making: they take the others' place when they are there. */
  #next: VmmWorker | undefined;
  #picture: Picture | undefined;
  #facts: SessionFacts | undefined;
  #error = '';
  /** What is not as it was asked for. */
  #notes: readonly string[];
  /** The machines that come next stand before their first step. */
  #fromZero = false;
  #presence: Presence = { hidden: false, idle: false };
  /** Calls of run, pause and step, one after the other. */
  #calls: Promise<unknown> = Promise.resolve();
  readonly #traffic = new Traffic();
  /** The machines were told to run; when they were heard of last. */
  #going = false;
  #heard = 0;
  #silent = false;
  #copied = false;
  readonly #terminals: Terminals;
  readonly #charts: Charts;
  readonly #tlbPages = new TlbPages();
  readonly #painter = new Painter(() => this.#parts());
  readonly #steps = new EventSteps(this, (vmm, asked) => {
    this.#going = false;
    return this.#stand(vmm, asked);
  });

  constructor(settings: Settings, notes: readonly string[]) {
    this.#settings = settings;
    this.#notes = notes;
    this.#terminals = new Terminals(element('terminals'), (vm, text) =>
      this.#use((vmm) => vmm.input(vm, text)),
    );
    this.#charts = new Charts(element('charts'));
    setInterval(() => this.#listen(), SILENT_MS / 2);
  }

  get vmm(): Remote<Vmm> | undefined {
    return this.#running?.vmm;
  }

  get picture(): Picture | undefined {
    return this.#picture;
  }

  /** What a machine has written to its console. */
  console(vm: number): string {
    return this.#terminals.text(vm);
  }

  /** Resolves when the page shows what holds now. */
  drawn(): Promise<void> {
    return this.#painter.draw();
  }

  /** The settings that were chosen last, if only for machines in the making. */
  get #chosen(): Settings {
    return this.#next?.settings ?? this.#settings;
  }

  get #guest(): PickedGuest | undefined {
    return (this.#next ?? this.#running)?.guest;
  }

  /** Calls the worker; what goes wrong there is said in one line. */
  #use<T>(call: (vmm: Remote<Vmm>) => Promise<T>): void {
    const running = this.#running;
    if (!running || this.#next) return;
    this.#calls = this.#calls
      .then(() => (running === this.#running ? call(running.vmm) : undefined))
      .catch((error: unknown) => this.#failed(running, error));
  }

  /** What has no machines is ended; others are left alone. */
  #failed(worker: VmmWorker, error: unknown): void {
    if (worker !== this.#next && worker !== this.#running) return;
    const text = error instanceof Error ? error.message : String(error);
    this.#error = worker.guest ? `${worker.guest.name}: ${text}` : text;
    worker.end();
    if (worker === this.#next) this.#next = undefined;
    else this.#running = undefined;
    this.#draw();
  }

  /**
   * Makes new machines on a new worker. When they are there, the ones before go with all
   * that they had; until then those go on.
   */
  #start(settings: Settings, guest: PickedGuest | undefined): void {
    this.#next?.end();
    const sink = {
      output: (vm: number, bytes: Uint8Array) => this.#terminals.write(vm, bytes),
      picture: (picture: Picture) => this.#show(picture),
    };
    const next = new VmmWorker(settings, guest, sink, (error) => this.#failed(next, error));
    this.#next = next;
    this.#error = '';
    this.#draw();
    next
      .boot()
      .then((facts) => this.#take(next, facts))
      .catch((error: unknown) => this.#failed(next, error));
  }

  async #take(next: VmmWorker, facts: SessionFacts): Promise<void> {
    if (next !== this.#next) return;
    const replaced = this.#running !== undefined;
    this.#running?.end();
    // Calls of the one before may never be answered.
    this.#calls = Promise.resolve();
    this.#running = next;
    this.#next = undefined;
    this.#settings = next.settings;
    this.#facts = facts;
    this.#picture = undefined;
    this.#terminals.reset(machineNames(next.settings));
    this.#charts.clear();
    this.#steps.clear(facts.recorded);
    this.#traffic.clear();
    rememberGuest(next.guest?.name);
    // A link stays as it was opened.
    if (replaced) writeUrl(this.#settings);
    next.accept();
    this.#going = false;
    await next.vmm.setIdle(this.#presence.idle);
    const stop = tourStop(next.settings.tour);
    if (this.#fromZero) this.#fromZero = false;
    else if (stop) await this.#stand(next.vmm, next.vmm.advance(stop.steps));
    else if (next.settings.run && !facts.recorded) this.#going = true;
    await this.#go();
    this.#draw();
  }

  /** Shows what machines stand at, unless others have taken their place meanwhile. */
  async #stand(vmm: Remote<Vmm>, asked: Promise<Picture>): Promise<void> {
    const picture = await asked;
    if (vmm !== this.vmm) return;
    await this.#show(picture);
  }

  /** Has the machines do what they were told last, if they are seen. */
  async #go(): Promise<void> {
    const vmm = this.vmm;
    if (!vmm) return;
    this.#heard = performance.now();
    if (this.#going && !this.#presence.hidden) await vmm.run();
    else await this.#stand(vmm, vmm.pause());
  }

  /** Who is there has changed. */
  present(presence: Presence): void {
    const { hidden, idle } = this.#presence;
    this.#presence = presence;
    this.#heard = performance.now();
    this.#use(async (vmm) => {
      if (idle !== presence.idle) await vmm.setIdle(presence.idle);
      if (hidden !== presence.hidden && this.#going) await this.#go();
    });
    this.#draw();
  }

  /** A guest on the VMM's own worker that does not yield stops everything there. */
  #listen(): void {
    const silent = this.#going && !document.hidden && performance.now() - this.#heard > SILENT_MS;
    if (silent === this.#silent) return;
    this.#silent = silent;
    this.#draw();
  }

  async #show(picture: Picture): Promise<void> {
    this.#picture = picture;
    this.#heard = performance.now();
    this.#silent = false;
    if (picture.state === 'ended') this.#going = false;
    this.#charts.add(picture);
    this.#steps.heard();
    await this.#painter.draw();
  }

  #draw(): void {
    this.#painter.draw().catch(reportError);
  }

  /** What a drawing consists of. The bar comes last: when it says paused, everything else shows that instant. */
  #parts(): readonly Part[] {
    const picture = this.#steps.picture ?? this.#picture;
    const facts = this.#facts;
    const settings = this.#chosen;
    const booting = this.#next !== undefined;
    const stopped = !booting && this.#running === undefined;
    const state = {
      settings,
      picture: this.#picture,
      facts,
      error: this.#error || (this.#silent ? SILENT : ''),
      notes: [...this.#notes, ...(this.#presence.idle && this.#going ? [IDLE] : [])],
      going: this.#going,
      booting,
      stopped,
      copied: this.#copied,
    };
    const pointedOut = { frame: this.#steps.frame, experiment: settings.experiment };
    const names = machineNames(this.#settings);
    const tabs = consoleTabs(names, this.#terminals.shown, (vm) => this.#showConsole(vm));
    return [
      () => render(lesson(settings, picture, this.#traffic, this), element('lesson')),
      () => render(tabs, element('console-tabs')),
      () => render(strip(picture?.traces ?? [], facts, isLive(settings)), element('strip')),
      () => render(eventPanel(this.#steps, picture, this), element('events')),
      () => render(thingsToTry(settings, picture, this), element('try')),
      ...(picture ? pictureParts(picture, this.#tlbPages, pointedOut) : []),
      ...this.#charts.parts(),
      () => {
        render(bar(state, this), element('top'));
        if (picture || this.#error) document.body.dataset.drawn = '';
      },
    ];
  }

  #showConsole(vm: number): void {
    this.#terminals.show(vm);
    this.#draw();
  }

  #apply(change: Partial<Settings>, guest: PickedGuest | undefined): void {
    const changed = { ...this.#chosen, ...leavingTour(this.#chosen, change) };
    // Read back, so that settings that do not go together are put right.
    const settings = {
      ...readSettings(new URLSearchParams(writeSettings(changed))),
      guest: changed.guest,
    };
    this.#notes = corrections(changed, settings);
    this.#start(settings, guest);
  }

  set(name: keyof Settings, value: string): void {
    const change = changeOf(name, value);
    const speed = change.speed;
    if (speed !== undefined && !this.#next) {
      this.#settings = { ...this.#settings, speed };
      writeUrl(this.#settings);
      this.#use((vmm) => vmm.setSpeed(speed));
      this.#draw();
      return;
    }
    this.#apply(change, name === 'guest' ? undefined : this.#guest);
  }

  pickGuest(files: readonly File[]): void {
    const named = files.map(({ name }) => name).join(', ');
    this.#readGuest(files).catch((error: unknown) => {
      this.#error = `${named}: ${error instanceof Error ? error.message : String(error)}`;
      this.#draw();
    });
  }

  async #readGuest(files: readonly File[]): Promise<void> {
    const guest = guestOf(await readFiles(files));
    // A kernel boots for a long time when it is stepped slowly.
    const speed = guest.kind === 'arm64' ? 'full' : this.#chosen.speed;
    const alone = { vms: 1, vcpus: 1, experiment: 'none', path: 'all' } as const;
    this.#apply({ ...alone, guest: guest.name, speed }, guest);
  }

  toggleRun(): void {
    // What was told last counts, also where the machines have not come to it yet.
    this.#going = !this.#going;
    this.#use(() => this.#go());
    this.#draw();
  }

  step(): void {
    this.#going = false;
    this.#use((vmm) => this.#stand(vmm, vmm.step()));
  }

  reset(): void {
    this.#fromZero = false;
    this.#start(this.#chosen, this.#guest);
  }

  restart(): void {
    this.#fromZero = true;
    this.#start(this.#chosen, this.#guest);
  }

  tour(stop: number): void {
    const { transport, drain, speed } = this.#chosen;
    this.#apply({ ...tourSettings(stop), transport, drain, speed }, undefined);
  }

  experiment(name: string): void {
    this.#apply({ guest: 'toy', ...experimentSettings(this.#chosen, name) }, undefined);
  }

  toggleTheme(): void {
    toggleTheme();
  }

  /** Draws what does not follow the style sheet by itself. */
  retheme(): void {
    this.#terminals.retheme();
    this.#charts.draw();
    this.#draw();
  }

  copyLink(): void {
    copyText(location.href)
      .then((copied) => this.#tellCopied(copied))
      .catch(reportError);
  }

  #tellCopied(copied: boolean): void {
    this.#copied = copied;
    if (!copied) this.#notes = [NO_CLIPBOARD];
    this.#draw();
    if (!copied) return;
    setTimeout(() => {
      this.#copied = false;
      this.#draw();
    }, COPIED_MS);
  }
}

restoreTheme();
startExplaining(element('explain'));
if (!(await becomeIsolated())) {
  const query = new URLSearchParams(location.search);
  const page = new Page(readSettings(query), [...settingProblems(query), ...lostGuest()]);
  listenToKeys(page);
  listenToDrops(page);
  // For the console of the browser's tools: the machines behind the picture.
  Object.assign(globalThis, { vsmmu: page });
  onThemeChange(() => page.retheme());
  watchPresence((presence) => page.present(presence));
  page.reset();
}
