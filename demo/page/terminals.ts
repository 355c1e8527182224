// SPDX-License-Identifier: MIT
// The consoles: a terminal for each machine, one of them shown.

import type { FitAddon } from '@xterm/addon-fit';
import type { Terminal } from '@xterm/xterm';
import type { ConsoleOutput } from '../protocol.ts';
import { colour } from './colours.ts';
import { Transcript } from './transcript.ts';

type Xterm = typeof import('./xterm.ts');

/** Time until a failed fetch is tried again. */
const AGAIN_MS = 5000;

/** RIS: resets the terminal. */
const RESET = '\x1bc';

interface Console {
  readonly terminal: Terminal;
  readonly fit: FitAddon;
  readonly element: HTMLElement;
  /** Bytes that the machine had written at the point that the terminal shows. */
  at: number;
  /** The furthest point that it has shown. */
  seen: number;
  /**
   * Replays of earlier output in progress, whose queries to the terminal have been
   * answered before.
   */
  replays: number;
}

export class Terminals {
  readonly #root: HTMLElement;
  readonly #onInput: (vm: number, text: string) => void;
  #consoles: Console[] = [];
  /** Names of the machines, in order. */
  #names: readonly string[] = [];
  /** The output of each machine. */
  #transcripts: readonly Transcript[] = [];
  /** Number of bytes of each that are shown; undefined: all. */
  #cut: readonly number[] | undefined;
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

  /** Creates empty terminals for machines with these names. */
  reset(machines: readonly string[]): void {
    for (const { terminal } of this.#consoles) terminal.dispose();
    this.#root.replaceChildren();
    this.#consoles = [];
    this.#names = machines;
    this.#transcripts = machines.map(() => new Transcript());
    this.#cut = undefined;
    this.#open();
  }

  /**
   * Fetches the terminal library, once; after a failure not immediately again. Never
   * rejects.
   */
  load(): Promise<void> {
    this.#loading ??= import('./xterm.ts').then(
      (xterm) => {
        this.#xterm = xterm;
        this.#open();
      },
      (error: unknown) => {
        // Without it the machines and everything else continue.
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
      // At a device pixel ratio of 1 smaller rows would cut off underscores.
      lineHeight: 1.2,
      fontFamily: 'ui-monospace, Consolas, "DejaVu Sans Mono", monospace',
      scrollback: 2000,
      screenReaderMode: false,
      theme: this.#theme(),
    });
    const fit = new FitAddon();
    terminal.loadAddon(fit);
    terminal.open(element);
    const console: Console = { terminal, fit, element, at: 0, seen: 0, replays: 0 };
    terminal.onData((text) => {
      if (console.replays === 0) this.#onInput(vm, text);
    });
    // Tab leaves the terminal, as it leaves every other field.
    terminal.attachCustomKeyEventHandler(({ key }) => key !== 'Tab');
    return console;
  }

  #theme() {
    return {
      background: colour('--terminal'),
      foreground: colour('--text'),
      cursor: colour('--accent'),
      selectionBackground: colour('--line'),
    };
  }

  /** Applies the current colours. */
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

  /** Resolves when the terminal has processed it, which it does in slices. */
  async write(vm: number, output: ConsoleOutput): Promise<void> {
    const names = this.#names;
    this.#transcripts[vm]?.add(output);
    if (!this.#xterm) await this.load();
    // The machines may be others by now.
    if (names === this.#names) await this.#follow(vm);
  }

  /**
   * Shows the consoles as they were earlier, or as they are.
   * @param written bytes that each machine had written then; undefined: now.
   */
  showAsOf(written: readonly number[] | undefined): void {
    this.#cut = written;
    for (const vm of this.#consoles.keys()) this.#follow(vm).catch(reportError);
  }

  /** Updates a terminal to what it has to show. Resolves when it does. */
  async #follow(vm: number): Promise<void> {
    const console = this.#consoles[vm];
    const transcript = this.#transcripts[vm];
    if (!console || !transcript) return;
    const most = transcript.written;
    const wanted = Math.min(this.#cut?.[vm] ?? most, most);
    const { at, seen } = console;
    if (wanted === at) return;
    console.at = wanted;
    console.seen = Math.max(seen, wanted);
    const from = wanted < at ? 0 : at;
    const again = [
      ...(wanted < at ? [RESET] : []),
      ...transcript.between(from, Math.min(wanted, seen)),
    ];
    const anew = transcript.between(Math.max(from, seen), wanted);
    // All of it at once: output in the meantime comes after it.
    console.replays += again.length;
    for (const piece of again)
      console.terminal.write(piece, () => {
        console.replays--;
      });
    for (const piece of anew) console.terminal.write(piece);
    await new Promise<void>((taken) => console.terminal.write('', taken));
  }

  /** What a machine's terminal shows and has shown, without line wraps. */
  text(vm: number): string {
    const buffer = this.#consoles[vm]?.terminal.buffer.active;
    let text = '';
    for (let at = 0; at < (buffer?.length ?? 0); at++) {
      const line = buffer?.getLine(at);
      const goesOn = buffer?.getLine(at + 1)?.isWrapped === true;
      text += `${line?.translateToString(!goesOn) ?? ''}${goesOn ? '' : '\n'}`;
    }
    return text;
  }
}
