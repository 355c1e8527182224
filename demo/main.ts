// The page: draws what the VMM's worker sends, and tells it what to do. No part of a machine runs on this thread.

import { proxy, type Remote, wrap } from 'comlink';
import { html, nothing, render } from 'lit-html';
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
import type { Picture, SessionFacts, Vmm } from './protocol.ts';
import { machineNames, readSettings, type Settings, writeSettings } from './settings.ts';

const COPIED_MS = 1500;
const THEME_KEY = 'vsmmu-theme';

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

interface Running {
  readonly worker: Worker;
  readonly vmm: Remote<Vmm>;
}

class Page implements Actions {
  #settings: Settings;
  /** Bytes of a guest that was picked or dropped. */
  #guest: Uint8Array<ArrayBuffer> | undefined;
  #running: Running | undefined;
  #picture: Picture | undefined;
  #facts: SessionFacts | undefined;
  #error = '';
  #booting = true;
  #copied = false;
  readonly #terminals: Terminals;
  readonly #charts: Charts;
  readonly #painter = new Painter(() => this.#parts());

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#terminals = new Terminals(element('terminals'), (vm, text) => this.#use((vmm) => vmm.input(vm, text)));
    this.#charts = new Charts(element('charts'));
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

  /** Calls the worker; what goes wrong there is said in one line. */
  #use<T>(call: (vmm: Remote<Vmm>) => Promise<T>): void {
    const running = this.#running;
    if (!running || this.#booting) return;
    call(running.vmm).catch((error: unknown) => this.#failed(running, error));
  }

  #failed(running: Running, error: unknown): void {
    if (running !== this.#running) return;
    this.#error = error instanceof Error ? error.message : String(error);
    this.#booting = false;
    this.#draw();
  }

  /** New machines on a new worker: the old one goes with all that it had. */
  start(): void {
    this.#running?.worker.terminate();
    const worker = new Worker(new URL('./vmm/worker.ts', import.meta.url), { type: 'module', name: 'vsmmu VMM' });
    const running = { worker, vmm: wrap<Vmm>(worker) };
    this.#running = running;
    this.#picture = undefined;
    this.#facts = undefined;
    this.#error = '';
    this.#booting = true;
    this.#terminals.reset(machineNames(this.#settings));
    this.#charts.clear();
    history.replaceState(null, '', `${location.pathname}${writeSettings(this.#settings)}`);
    this.#draw();
    worker.addEventListener('error', (event) => this.#failed(running, new Error(event.message || 'the worker failed')));
    const sink = proxy({
      output: async (vm: number, bytes: Uint8Array) => {
        if (running === this.#running) await this.#terminals.write(vm, bytes);
      },
      picture: async (picture: Picture) => {
        if (running === this.#running) await this.#show(picture);
      },
    });
    const boot = async () => {
      const facts = await running.vmm.boot(this.#settings, this.#guest, sink);
      if (running !== this.#running) return;
      this.#facts = facts;
      this.#booting = false;
      if (this.#settings.run) await running.vmm.run();
      this.#draw();
    };
    boot().catch((error: unknown) => this.#failed(running, error));
  }

  async #show(picture: Picture): Promise<void> {
    this.#picture = picture;
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
    const settings = this.#settings;
    const state = { settings, picture, facts, error: this.#error, booting: this.#booting, copied: this.#copied };
    return [
      () => render(this.#tabs(), element('console-tabs')),
      () => render(strip(picture?.traces ?? [], facts), element('strip')),
      () => render(thingsToTry(settings, picture, this), element('try')),
      ...(picture ? this.#pictureParts(picture) : []),
      ...this.#charts.parts(),
      () => render(bar(state, this), element('top')),
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
    return html`<h2 tabindex="0" data-explain="What the guests write, as they write it; what is typed goes to the guest.">Console</h2>
      ${
        names.length < 2
          ? nothing
          : names.map(
              (name, vm) =>
                html`<button type="button" aria-pressed=${vm === this.#terminals.shown} @click=${() => show(vm)} data-explain="Shows the console of ${name}.">${name}</button>`,
            )
      }`;
  }

  #apply(change: Partial<Settings>): void {
    const changed = { ...this.#settings, ...change };
    // Read back, so that settings that do not go together are put right.
    this.#settings = { ...readSettings(new URLSearchParams(writeSettings(changed))), guest: changed.guest };
    this.start();
  }

  set(name: keyof Settings, value: string): void {
    if (name === 'guest') this.#guest = undefined;
    if (name === 'speed') {
      const speed = value as Settings['speed'];
      this.#settings = { ...this.#settings, speed };
      history.replaceState(null, '', `${location.pathname}${writeSettings(this.#settings)}`);
      this.#use((vmm) => vmm.setSpeed(speed));
      this.#draw();
      return;
    }
    const number = name === 'vcpus' || name === 'vms';
    this.#apply({ [name]: number ? Number(value) : name === 'check' ? value === 'yes' : value });
  }

  pickGuest(file: File): void {
    file.arrayBuffer().then(
      (buffer) => {
        this.#guest = new Uint8Array(buffer);
        this.#apply({ guest: file.name, vms: 1, vcpus: 1, experiment: 'none' });
      },
      (error: unknown) => {
        this.#error = `${file.name} cannot be read: ${String(error)}`;
        this.#draw();
      },
    );
  }

  toggleRun(): void {
    const running = this.#picture?.state === 'running';
    this.#use(async (vmm) => {
      if (running) await this.#show(await vmm.pause());
      else await vmm.run();
    });
  }

  step(): void {
    this.#use(async (vmm) => this.#show(await vmm.step()));
  }

  reset(): void {
    this.start();
  }

  experiment(name: string): void {
    this.#guest = undefined;
    this.#apply({ guest: 'toy', experiment: name, path: 'all', check: false });
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
  const keys: Readonly<Record<string, () => void>> = { p: () => page.toggleRun(), s: () => page.step(), r: () => page.reset() };
  document.addEventListener('keydown', (event) => {
    const typing = event.target instanceof Element && event.target.closest('input, select, textarea');
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    keys[event.key]?.();
  });
}

function listenToDrops(page: Page): void {
  document.addEventListener('dragover', (event) => event.preventDefault());
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    const [file] = event.dataTransfer?.files ?? [];
    if (file) page.pickGuest(file);
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
  page.start();
}
