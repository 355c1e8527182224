// SPDX-License-Identifier: MIT
// The page: draws what the VMM's worker sends, and controls it. No machine runs here.

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
  settingsOfLines,
  tourSettings,
  writeSettings,
  wrongLines,
} from './demo-settings.ts';
import { EditedLines } from './edit/edited-lines.ts';
import { fileNames, guestOf, readFiles } from './guest-files.ts';
import { addressProblems } from './link/address-problems.ts';
import { bringsGuest } from './link/offered-guest.ts';
import { type Place, readPlace } from './link/place.ts';
import { Charts } from './page/charts.ts';
import { toggleTheme } from './page/colours.ts';
import { consoleTabs } from './page/console-tabs.ts';
import { type Actions, bar } from './page/controls.ts';
import { Traffic } from './page/drawing.ts';
import { element } from './page/element.ts';
import { isEmbedded } from './page/embedded.ts';
import { eventPanel } from './page/event-panel.ts';
import { EventSteps } from './page/event-steps.ts';
import { firstSteps } from './page/first-steps.ts';
import { GuestOffer } from './page/guest-offer.ts';
import type { Presence } from './page/idle.ts';
import { InView, partOf } from './page/in-view.ts';
import { keepPlace } from './page/keep-focus.ts';
import { lesson } from './page/lesson.ts';
import { endedBefore, IDLE, rememberGuest, SILENT } from './page/notices.ts';
import { showPanel } from './page/open-panel.ts';
import { Painter, type Part } from './page/painter.ts';
import { pictureParts } from './page/picture-parts.ts';
import { Sharing } from './page/sharing.ts';
import { Silence } from './page/silence.ts';
import { strip } from './page/strip.ts';
import { type Beginning, Succession } from './page/succession.ts';
import { Terminals } from './page/terminals.ts';
import { TlbPages } from './page/tlb-pages.ts';
import { thingsToTry } from './page/try.ts';
import type { VmmWorker } from './page/vmm-worker.ts';
import { writeUrl } from './page/write-url.ts';
import type { Frame, PickedGuest, Picture, SessionFacts, Vmm } from './protocol.ts';

export class Page implements Actions {
  /** Settings of the current machines. */
  #settings: Settings;
  #picture: Picture | undefined;
  #facts: SessionFacts | undefined;
  #error = '';
  /** Deviations from the requested settings. */
  #notes: readonly string[] = [];
  /** A guest from the page's link. */
  readonly #offer = new GuestOffer();
  #presence: Presence = { hidden: false, idle: false };
  readonly #traffic = new Traffic();
  /** The machines were requested to run. */
  #going = false;
  /** The worker whose machines have reached their first place. */
  #begun: VmmWorker | undefined;
  readonly #silence = new Silence(
    () => (this.#going ? this.#presence : undefined),
    () => this.#draw(),
  );
  readonly #workers = new Succession({
    sink: {
      output: async (vm, output) => {
        if (!isEmbedded()) await this.#terminals.write(vm, output);
      },
      picture: (picture) => this.#show(picture),
    },
    taken: (worker, facts, beginning) => this.#take(worker, facts, beginning),
    wrong: (line) => {
      this.#error = line;
      this.#draw();
    },
  });
  readonly share = new Sharing(this);
  readonly #editor = new EditedLines();
  readonly #terminals: Terminals;
  readonly #charts: Charts;
  readonly #tlbPages = new TlbPages();
  readonly #painter = new Painter(() => this.#parts());
  readonly #view = new InView(() => this.#draw());
  readonly #steps = new EventSteps(this, (vmm, asked) => {
    this.#going = false;
    return this.#stand(vmm, asked);
  });

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#terminals = new Terminals(element('terminals'), (vm, text) =>
      this.#workers.use((vmm) => vmm.input(vm, text)),
    );
    this.#charts = new Charts(element('charts'));
  }

  get vmm(): Remote<Vmm> | undefined {
    return this.#workers.running?.vmm;
  }

  ask<T>(call: (vmm: Remote<Vmm>) => Promise<T>): Promise<T> {
    return this.#workers.ask(call);
  }

  get picture(): Picture | undefined {
    return this.#picture;
  }

  /** The console output of a machine. */
  console(vm: number): string {
    return this.#terminals.text(vm);
  }

  /** Resolves when the page shows the current state. */
  drawn(): Promise<void> {
    return this.#painter.draw();
  }

  /** The settings chosen last, which may be for machines in the making. */
  get chosen(): Settings {
    return this.#workers.next?.settings ?? this.#settings;
  }

  get guest(): PickedGuest | undefined {
    return (this.#workers.next ?? this.#workers.running)?.guest;
  }

  get standing(): boolean {
    const { running, next } = this.#workers;
    return !this.#going && !next && running !== undefined && this.#begun === running;
  }

  get frame(): Frame | undefined {
    return this.#steps.frame;
  }

  say(...lines: readonly string[]): void {
    this.#notes = lines;
    this.#draw();
  }

  async #take(worker: VmmWorker, facts: SessionFacts, beginning: Beginning): Promise<void> {
    const before = this.#settings;
    const { settings, guest, vmm } = worker;
    this.#settings = settings;
    this.#facts = facts;
    this.#picture = undefined;
    this.#terminals.reset(machineNames(settings));
    this.#charts.clear();
    this.#steps.clear(facts.recorded);
    this.#traffic.clear();
    rememberGuest(guest?.link === undefined ? guest?.name : undefined);
    if (!beginning.keepsUrl) writeUrl(settings, guest, before);
    worker.accept();
    this.#going = false;
    await vmm.setIdle(this.#presence.idle);
    await this.#begin(vmm, beginning.place ?? {});
    if (worker === this.#workers.running) this.#begun = worker;
    this.#draw();
  }

  /** Brings new machines to the place where they are shown. */
  async #begin(vmm: Remote<Vmm>, place: Place): Promise<void> {
    const { step, event, panel } = place;
    const steps = firstSteps(place, this.#settings);
    if (event !== undefined) this.#steps.head(event);
    if (steps !== undefined) await this.#stand(vmm, vmm.advance(steps));
    if (step !== undefined) this.say(...this.#notes, ...endedBefore(step, this.#picture));
    else if (this.#settings.run && !this.#facts?.recorded) this.#going = true;
    await this.#go();
    if (event !== undefined) this.#steps.go(event, (why) => this.say(...this.#notes, why));
    if (panel) {
      await this.drawn();
      showPanel(panel);
    }
  }

  /** Shows stopped machines, unless others have replaced them in the meantime. */
  async #stand(vmm: Remote<Vmm>, asked: Promise<Picture>): Promise<void> {
    const picture = await asked;
    if (vmm !== this.vmm) return;
    await this.#show(picture);
  }

  /** Runs or pauses the machines as last requested, if they can be seen. */
  async #go(): Promise<void> {
    const vmm = this.vmm;
    if (!vmm) return;
    this.#silence.heard();
    if (this.#going && !this.#presence.hidden) await vmm.run();
    else await this.#stand(vmm, vmm.pause());
  }

  /** The user's presence has changed. */
  present(presence: Presence): void {
    const { hidden, idle } = this.#presence;
    this.#presence = presence;
    this.#painter.unhurried = presence.idle;
    this.#silence.heard();
    this.#workers.use(async (vmm) => {
      if (idle !== presence.idle) await vmm.setIdle(presence.idle);
      if (hidden !== presence.hidden && this.#going) await this.#go();
    });
    this.#draw();
  }

  async #show(picture: Picture): Promise<void> {
    this.#picture = picture;
    this.#silence.heard();
    if (picture.state === 'ended') this.#going = false;
    this.#charts.add(picture);
    this.#steps.heard();
    await this.#painter.draw();
    // The user may type to a guest that writes nothing.
    if (!isEmbedded()) this.#terminals.load().catch(reportError);
  }

  #draw(): void {
    this.#painter.draw().catch(reportError);
  }

  /** The parts of a drawing; the bar last, so that "paused" is true of all the others. */
  #parts(): readonly Part[] {
    const { earlier } = this.#steps;
    const picture = earlier?.picture ?? this.#picture;
    const facts = this.#facts;
    const settings = this.chosen;
    const booting = this.#workers.next !== undefined;
    const stopped = !booting && this.#workers.running === undefined;
    this.#editor.follow(settings);
    // Results of the former machines are not those of the new ones.
    const judged = booting && !isLive(settings) ? undefined : picture;
    const state = {
      settings,
      picture: this.#picture,
      steps: picture?.steps ?? 0,
      facts,
      error: this.#error || (this.#silence.on ? SILENT : ''),
      notes: [...this.#notes, ...(this.#presence.idle && this.#going ? [IDLE] : [])],
      going: this.#going,
      underWay: this.#steps.heading !== undefined,
      booting,
      stopped,
      offer: this.#offer.offered,
    };
    const pointedOut = { frame: this.#steps.frame, experiment: settings.experiment };
    const names = machineNames(this.#settings);
    const tabs = consoleTabs(
      names,
      this.#terminals.shown,
      (vm) => this.#showConsole(vm),
      (vm) => this.share.saveConsole(vm, names[vm] ?? 'console'),
      earlier,
    );
    const seen = this.#view.seen(this.#picture, this.#presence.idle);
    return [
      ...partOf(seen, 'lesson', () =>
        lesson(settings, picture, this.#traffic.look(picture, this.#steps.frame), booting, this),
      ),
      () => render(tabs, element('console-tabs')),
      () => this.#terminals.showAsOf(earlier?.picture.vms.map(({ written }) => written)),
      ...partOf(seen, 'strip', () => strip(picture, facts, settings)),
      ...partOf(seen, 'events', () => eventPanel(this.#steps, picture, facts, this)),
      ...partOf(seen, 'try', () => thingsToTry(settings, judged, this.#editor, this)),
      ...(picture && !isEmbedded() ? pictureParts(picture, this.#tlbPages, pointedOut, seen) : []),
      ...(isEmbedded() ? [] : this.#charts.parts(seen, earlier?.picture.at, this.#picture)),
      () => {
        render(bar(state, this), element('top'));
        if (document.body.dataset.drawn === undefined && (picture || this.#error)) {
          document.body.dataset.drawn = '';
          performance.mark('first-picture');
        }
      },
      keepPlace,
    ];
  }

  #showConsole(vm: number): void {
    this.#terminals.show(vm);
    this.#draw();
  }

  #apply(change: Partial<Settings>, guest: PickedGuest | undefined, place: Place = {}): void {
    const changed = { ...this.chosen, ...leavingTour(this.chosen, change) };
    // Read back, to correct settings that do not fit together.
    const settings = {
      ...readSettings(new URLSearchParams(writeSettings(changed))),
      guest: changed.guest,
    };
    this.#notes = corrections(changed, settings);
    this.#offer.clear();
    this.#workers.start(settings, guest, { place });
  }

  set(name: keyof Settings, value: string): void {
    const change = changeOf(name, value);
    const speed = change.speed;
    if (speed !== undefined && !this.#workers.next) {
      const before = this.#settings;
      this.#settings = { ...before, speed };
      writeUrl(this.#settings, this.guest, before);
      this.#workers.use((vmm) => vmm.setSpeed(speed));
      this.#draw();
      return;
    }
    this.#apply(change, name === 'guest' ? undefined : this.guest);
  }

  pickGuest(files: readonly File[]): void {
    this.#readGuest(files).catch((error: unknown) => {
      this.#error = `${fileNames(files)}: ${error instanceof Error ? error.message : String(error)}`;
      this.#draw();
    });
  }

  async #readGuest(files: readonly File[]): Promise<void> {
    this.#run(guestOf(await readFiles(files)));
  }

  /** Runs a guest other than the toy. */
  #run(guest: PickedGuest, place: Place = {}): void {
    // A kernel takes long to boot in slow steps.
    const speed = guest.kind === 'arm64' ? 'full' : this.chosen.speed;
    const alone = { vms: 1, vcpus: 1, experiment: 'none', lines: '', path: 'all' } as const;
    this.#apply({ ...alone, guest: guest.name, speed }, guest, place);
  }

  startOffer(): void {
    const { offered, place } = this.#offer;
    if (offered) this.#run(offered.guest, place);
  }

  /** Applies an address: settings, place, guest. */
  openAddress(page: URL, ...notes: readonly string[]): void {
    const query = page.searchParams;
    const settings = readSettings(query);
    const wrong = wrongLines(query);
    if (wrong !== undefined) this.#editor.correct(wrong, settings);
    this.#notes = [...addressProblems(page), ...notes];
    this.#offer.look(page, (problem = '') => this.say(...this.#notes, problem));
    // The place belongs to the guest of the link, not to the toy.
    const place = bringsGuest(page) ? {} : readPlace(query);
    this.#workers.start(settings, undefined, { place, keepsUrl: true });
  }

  toggleRun(): void {
    // The last request counts, even if the machines have not applied it yet.
    this.#going = !this.#going;
    this.#workers.use(() => this.#go());
    this.#draw();
  }

  step(count = 1): void {
    this.#going = false;
    this.#workers.use((vmm) => this.#stand(vmm, count === 1 ? vmm.step() : vmm.advance(count)));
  }

  reset(): void {
    this.#workers.start(this.chosen, this.guest, {});
  }

  restart(): void {
    this.#workers.start(this.chosen, this.guest, { place: { step: 0 } });
  }

  tour(stop: number): void {
    const { transport, drain, speed } = this.chosen;
    this.#apply({ ...tourSettings(stop), transport, drain, speed }, undefined);
  }

  runLines(text: string): void {
    this.#apply(settingsOfLines(text), undefined);
  }

  experiment(name: string): void {
    this.#apply({ guest: 'toy', ...experimentSettings(this.chosen, name) }, undefined);
  }

  toggleTheme(): void {
    toggleTheme();
  }

  /** Redraws what does not use the style sheet's colours directly. */
  retheme(): void {
    this.#terminals.retheme();
    this.#charts.draw();
    this.#draw();
  }
}
