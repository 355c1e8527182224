// The page: draws what the VMM's worker sends, and tells it what to do. No part of a machine runs on this thread.

import { proxy, type Remote, wrap } from 'comlink';
import { html, nothing, render } from 'lit-html';
import { becomeIsolated } from './isolation.ts';
import { Charts } from './page/charts.ts';
import { type Actions, bar } from './page/controls.ts';
import { startExplaining } from './page/explain.ts';
import { machines } from './page/queues.ts';
import { paintTlb, side } from './page/side.ts';
import { strip } from './page/strip.ts';
import { Terminals } from './page/terminals.ts';
import { thingsToTry } from './page/try.ts';
import type { Picture, SessionFacts, Vmm } from './protocol.ts';
import { readSettings, type Settings, writeSettings } from './settings.ts';

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
  #drawing = false;
  readonly #terminals: Terminals;
  readonly #charts: Charts;

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
    this.#terminals.reset(this.#settings.vms);
    this.#charts.clear();
    history.replaceState(null, '', `${location.pathname}${writeSettings(this.#settings)}`);
    this.#draw();
    worker.addEventListener('error', (event) => this.#failed(running, new Error(event.message || 'the worker failed')));
    const sink = proxy({
      output: (vm: number, bytes: Uint8Array) => {
        if (running === this.#running) this.#terminals.write(vm, bytes);
      },
      picture: (picture: Picture) => {
        if (running === this.#running) this.#show(picture);
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

  #show(picture: Picture): void {
    this.#picture = picture;
    this.#charts.add(picture);
    this.#draw();
  }

  #draw(): void {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      this.#render();
    });
  }

  #render(): void {
    const picture = this.#picture;
    const state = {
      settings: this.#settings,
      picture,
      facts: this.#facts,
      error: this.#error,
      booting: this.#booting,
      copied: this.#copied,
    };
    render(bar(state, this), element('top'));
    render(this.#tabs(), element('console-tabs'));
    render(strip(picture?.traces ?? [], this.#facts), element('strip'));
    render(thingsToTry(this.#settings, picture, this), element('try'));
    if (!picture) return;
    render(machines(picture.vms), element('machines'));
    render(side(picture), element('side'));
    paintTlb(element('side'), picture.tlb);
  }

  #tabs() {
    const names = Array.from({ length: this.#settings.vms }, (_, vm) => `vm${vm}`);
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
    this.#apply({ [name]: number ? Number(value) : value });
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
      if (running) this.#show(await vmm.pause());
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
    this.#apply({ guest: 'toy', experiment: name, path: 'all' });
  }

  toggleTheme(): void {
    const root = document.documentElement;
    const dark = getComputedStyle(root).colorScheme.startsWith('dark');
    root.dataset.theme = dark ? 'light' : 'dark';
    localStorage.setItem(THEME_KEY, root.dataset.theme);
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
if (theme) document.documentElement.dataset.theme = theme;
startExplaining(element('explain'));
if (!(await becomeIsolated())) {
  const page = new Page(readSettings(new URLSearchParams(location.search)));
  listenToKeys(page);
  listenToDrops(page);
  // For the console of the browser's tools: the machines behind the picture.
  Object.assign(globalThis, { vsmmu: page });
  page.start();
}
