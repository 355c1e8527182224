// SPDX-License-Identifier: MIT
// The page: draws what the VMM's worker sends, and tells it what to do. No part of a machine runs on this thread.

import type { Remote } from 'comlink';
import { html, nothing, render } from 'lit-html';
import {
  changeOf,
  isLive,
  machineNames,
  readSettings,
  type Settings,
  writeSettings,
} from './demo-settings.ts';
import { guestOf } from './guest-files.ts';
import { becomeIsolated } from './isolation.ts';
import { Charts } from './page/charts.ts';
import { isDark, onThemeChange, setTheme } from './page/colours.ts';
import { type Actions, bar } from './page/controls.ts';
import { startExplaining } from './page/explain.ts';
import { Painter, type Part } from './page/painter.ts';
import { machine } from './page/queues.ts';
import { paintTlb, side } from './page/side.ts';
import { strip } from './page/strip.ts';
import { Terminals } from './page/terminals.ts';
import { thingsToTry } from './page/try.ts';
import { VmmWorker } from './page/vmm-worker.ts';
import type { PickedGuest, Picture, SessionFacts, Vmm } from './protocol.ts';

const COPIED_MS = 1500;
/** A guest that has not come back for so long is said not to. */
const SILENT_MS = 3000;
const SILENT = 'The guest does not come back from its step; Reset and every setting still work.';
const THEME_KEY = 'vsmmu-theme';

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

class Page implements Actions {
  /** Of the machines that are there. */
  #settings: Settings;
  #running: VmmWorker | undefined;
  /** Machines in the making: they take the others' place when they are there. */
  #next: VmmWorker | undefined;
  #picture: Picture | undefined;
  #facts: SessionFacts | undefined;
  #error = '';
  /** The machines were told to run; when they were heard of last. */
  #going = false;
  #heard = 0;
  #silent = false;
  #copied = false;
  readonly #terminals: Terminals;
  readonly #charts: Charts;
  readonly #painter = new Painter(() => this.#parts());

  constructor(settings: Settings) {
    this.#settings = settings;
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
    call(running.vmm).catch((error: unknown) => this.#failed(running, error));
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
    this.#running?.end();
    this.#running = next;
    this.#next = undefined;
    this.#settings = next.settings;
    this.#facts = facts;
    this.#picture = undefined;
    this.#terminals.reset(machineNames(next.settings));
    this.#charts.clear();
    history.replaceState(null, '', `${location.pathname}${writeSettings(next.settings)}`);
    next.accept();
    this.#going = false;
    if (next.settings.run) await this.#run(next.vmm);
    this.#draw();
  }

  /** Shows what machines stand at, unless others have taken their place meanwhile. */
  async #stand(vmm: Remote<Vmm>, asked: Promise<Picture>): Promise<void> {
    const picture = await asked;
    if (vmm !== this.vmm) return;
    await this.#show(picture);
    this.#going = false;
  }

  async #run(vmm: Remote<Vmm>): Promise<void> {
    this.#going = true;
    this.#heard = performance.now();
    await vmm.run();
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
    if (picture.state === 'ended') this.#going = false;
    this.#charts.add(picture);
    await this.#painter.draw();
  }

  #draw(): void {
    this.#painter.draw().catch(reportError);
  }

  /** What a drawing consists of. The bar comes last: when it says paused, everything else shows that instant. */
  #parts(): readonly Part[] {
    const picture = this.#picture;
    const facts = this.#facts;
    const settings = this.#chosen;
    const booting = this.#next !== undefined;
    const stopped = !booting && this.#running === undefined;
    const state = {
      settings,
      picture,
      facts,
      error: this.#error || (this.#silent ? SILENT : ''),
      booting,
      stopped,
      copied: this.#copied,
    };
    return [
      () => render(this.#tabs(), element('console-tabs')),
      () => render(strip(picture?.traces ?? [], facts, isLive(settings)), element('strip')),
      () => render(thingsToTry(settings, picture, this), element('try')),
      ...(picture ? this.#pictureParts(picture) : []),
      ...this.#charts.parts(),
      () => {
        render(bar(state, this), element('top'));
        if (picture || this.#error) document.body.dataset.drawn = '';
      },
    ];
  }

  #pictureParts(picture: Picture): readonly Part[] {
    const { vms, tlb } = picture;
    const places = element('machines');
    while (places.childElementCount > vms.length) places.lastElementChild?.remove();
    while (places.childElementCount < vms.length) places.append(document.createElement('div'));
    const sides = element('side');
    return [
      ...vms.map((vm, i) => () => render(machine(vm), places.children[i] as HTMLElement)),
      () => render(side(picture), sides),
      () => paintTlb(sides, tlb),
    ];
  }

  #tabs() {
    const names = machineNames(this.#settings);
    const show = (vm: number) => {
      this.#terminals.show(vm);
      this.#draw();
    };
    return html`<h2 tabindex="0"
        data-explain="What the guests write, as they write it; what is typed goes to the guest."
      >Console</h2>
      ${
        names.length < 2
          ? nothing
          : names.map(
              (name, vm) =>
                html`<button type="button" aria-pressed=${vm === this.#terminals.shown}
                    @click=${() => show(vm)}
                    data-explain="Shows the console of ${name}.">${name}</button>`,
            )
      }`;
  }

  #apply(change: Partial<Settings>, guest: PickedGuest | undefined): void {
    const changed = { ...this.#chosen, ...change };
    // Read back, so that settings that do not go together are put right.
    const settings = {
      ...readSettings(new URLSearchParams(writeSettings(changed))),
      guest: changed.guest,
    };
    this.#start(settings, guest);
  }

  set(name: keyof Settings, value: string): void {
    const change = changeOf(name, value);
    const speed = change.speed;
    if (speed !== undefined && !this.#next) {
      this.#settings = { ...this.#settings, speed };
      history.replaceState(null, '', `${location.pathname}${writeSettings(this.#settings)}`);
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
    const read = files.map(async (file) => ({
      name: file.name,
      bytes: new Uint8Array(
        await file.arrayBuffer().catch(() => {
          throw new Error('it cannot be read');
        }),
      ),
    }));
    const guest = guestOf(await Promise.all(read));
    // A kernel boots for a long time when it is stepped slowly.
    const speed = guest.kind === 'arm64' ? 'full' : this.#chosen.speed;
    const alone = { vms: 1, vcpus: 1, experiment: 'none', path: 'all' } as const;
    this.#apply({ ...alone, guest: guest.name, speed }, guest);
  }

  toggleRun(): void {
    const running = this.#picture?.state === 'running';
    this.#use((vmm) => (running ? this.#stand(vmm, vmm.pause()) : this.#run(vmm)));
  }

  step(): void {
    this.#use((vmm) => this.#stand(vmm, vmm.step()));
  }

  reset(): void {
    this.#start(this.#chosen, this.#guest);
  }

  experiment(name: string): void {
    this.#apply({ guest: 'toy', experiment: name, path: 'all', check: false }, undefined);
  }

  toggleTheme(): void {
    const theme = isDark() ? 'light' : 'dark';
    localStorage.setItem(THEME_KEY, theme);
    setTheme(theme);
  }

  /** Draws what does not follow the style sheet by itself. */
  retheme(): void {
    this.#terminals.retheme();
    this.#charts.draw();
    this.#draw();
  }

  copyLink(): void {
    navigator.clipboard.writeText(location.href).then(
      () => {
        this.#copied = true;
        this.#draw();
        setTimeout(() => {
          this.#copied = false;
          this.#draw();
        }, COPIED_MS);
      },
      () => undefined,
    );
  }
}

function listenToKeys(page: Page): void {
  const keys: Readonly<Record<string, () => void>> = {
    p: () => page.toggleRun(),
    s: () => page.step(),
    r: () => page.reset(),
  };
  document.addEventListener('keydown', (event) => {
    const typing =
      event.target instanceof Element && event.target.closest('input, select, textarea');
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    keys[event.key]?.();
  });
}

function listenToDrops(page: Page): void {
  const root = document.documentElement;
  const over = (event: DragEvent, isOver: boolean) => {
    event.preventDefault();
    root.toggleAttribute('data-drop', isOver);
  };
  document.addEventListener('dragover', (event) => over(event, true));
  document.addEventListener('dragleave', (event) => over(event, event.relatedTarget !== null));
  document.addEventListener('drop', (event) => {
    over(event, false);
    const files = [...(event.dataTransfer?.files ?? [])];
    if (files.length > 0) page.pickGuest(files);
  });
}

const theme = localStorage.getItem(THEME_KEY);
if (theme === 'dark' || theme === 'light') setTheme(theme);
startExplaining(element('explain'));
if (!(await becomeIsolated())) {
  const page = new Page(readSettings(new URLSearchParams(location.search)));
  listenToKeys(page);
  listenToDrops(page);
  // For the console of the browser's tools: the machines behind the picture.
  Object.assign(globalThis, { vsmmu: page });
  onThemeChange(() => page.retheme());
  page.reset();
}
