// SPDX-License-Identifier: MIT
// The consoles: a terminal for each machine, one of them shown.

import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import '@xterm/xterm/css/xterm.css';
import { colour } from './colours.ts';

interface Console {
  readonly terminal: Terminal;
  readonly fit: FitAddon;
  readonly element: HTMLElement;
}

export class Terminals {
  readonly #root: HTMLElement;
  readonly #onInput: (vm: number, text: string) => void;
  #consoles: Console[] = [];
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
    this.#consoles = machines.map((name, vm) => this.#create(vm, name));
    this.show(Math.min(this.#shown, machines.length - 1));
  }

  #create(vm: number, name: string): Console {
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
  write(vm: number, bytes: Uint8Array): Promise<void> {
    return new Promise((taken) => {
      const console = this.#consoles[vm];
      if (console) console.terminal.write(bytes, taken);
      else taken();
    });
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
