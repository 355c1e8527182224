// SPDX-License-Identifier: MIT
// The consoles: a terminal for each machine, one of them shown.

import type { FitAddon } from '@xterm/addon-fit';
import type { Terminal } from '@xterm/xterm';
import { colour } from './colours.ts';

type Xterm = typeof import('./xterm.ts');

/** Until what could not be fetched is asked for again. */
const AGAIN_MS = 5000;

interface Console {
  readonly terminal: Terminal;
  readonly fit: FitAddon;
  readonly element: HTMLElement;
}

export class Terminals {
  readonly #root: HTMLElement;
  readonly #onInput: (vm: number, text: string) => void;
  #consoles: Console[] = [];
  /** Of the machines, in their order. */
  #names: readonly string[] = [];
  #xterm: Xterm | undefined;
  #loading: Promise<void> | undefined;
  #shown = 0;

  constructor(root: HTMLElement, onInput: (vm: number, text: string) => void) {
    this.#root = root;
    this.#onInput = onInput;
    new ResizeObserver(() => this.#consoles[this.#shown]?.fit.fit()).observe(root);
  }

  get shown(): number {
    return this.#shown;
  }

  /** Empty terminals for machines of these names. */
  reset(machines: readonly string[]): void {
    for (const { terminal } of this.#consoles) terminal.dispose();
    this.#root.replaceChildren();
    this.#consoles = [];
    this.#names = machines;
    this.#open();
  }

  /** Fetches what draws them, once; after a failure not at once again. Never rejects. */
  load(): Promise<void> {
    this.#loading ??= import('./xterm.ts').then(
      (xterm) => {
        this.#xterm = xterm;
        this.#open();
      },
      (error: unknown) => {
        // Without them the machines and everything else go on.
        reportError(error);
        setTimeout(() => {
          this.#loading = undefined;
        }, AGAIN_MS);
      },
    );
    return this.#loading;
  }

  #open(): void {
    const xterm = this.#xterm;
    if (!xterm) return;
    this.#consoles = this.#names.map((name, vm) => this.#create(xterm, vm, name));
    this.show(Math.min(this.#shown, this.#names.length - 1));
  }

  #create({ Terminal, FitAddon }: Xterm, vm: number, name: string): Console {
    const element = document.createElement('div');
    element.dataset.console = name;
    element.hidden = true;
    this.#root.append(element);
    const terminal = new Terminal({
      convertEol: true,
      fontSize: 10.5,
      // At a device pixel ratio of 1 lower rows cut the underscores off.
      lineHeight: 1.2,
      fontFamily: 'ui-monospace, Consolas, "DejaVu Sans Mono", monospace',
      scrollback: 2000,
      screenReaderMode: false,
      theme: this.#theme(),
    });
    const fit = new FitAddon();
    terminal.loadAddon(fit);
    terminal.open(element);
    terminal.onData((text) => this.#onInput(vm, text));
    // Tab leaves the terminal as it leaves every other field.
    terminal.attachCustomKeyEventHandler(({ key }) => key !== 'Tab');
    return { terminal, fit, element };
  }

  #theme() {
    return {
      background: colour('--terminal'),
      foreground: colour('--text'),
      cursor: colour('--accent'),
      selectionBackground: colour('--line'),
    };
  }

  /** Takes the colours that hold now. */
  retheme(): void {
    for (const { terminal } of this.#consoles) terminal.options.theme = this.#theme();
  }

  show(vm: number): void {
    this.#shown = vm;
    this.#consoles.forEach(({ element, fit }, i) => {
      element.hidden = i !== vm;
      if (i === vm) fit.fit();
    });
  }

  /** Resolves when the terminal has taken them in, which it does in slices. */
  async write(vm: number, bytes: Uint8Array): Promise<void> {
    const names = this.#names;
    if (!this.#xterm) await this.load();
    // The machines may be others by now.
    const console = names === this.#names ? this.#consoles[vm] : undefined;
    if (console) await new Promise<void>((taken) => console.terminal.write(bytes, taken));
  }

  /** What a machine's terminal shows and has shown. */
  text(vm: number): string {
    const buffer = this.#consoles[vm]?.terminal.buffer.active;
    return Array.from(
      { length: buffer?.length ?? 0 },
      (_, line) => buffer?.getLine(line)?.translateToString(true) ?? '',
    ).join('\n');
  }
}
