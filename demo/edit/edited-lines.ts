// SPDX-License-Identifier: MIT
// The text in the field of "Edit and run", and whether the field is open.

import type { Settings } from '../demo-settings.ts';
import { firstLines } from './first-lines.ts';

/** Identifies what a text belongs to. */
const subjectOf = ({ experiment, lines }: Settings) =>
  lines === '' ? experiment : `lines ${lines}`;

export class EditedLines {
  #isOpen = false;
  #text = '';
  /** The experiment, or the running lines, that the text belongs to. */
  #subject = '';

  /**
   * Adapts to what runs: other lines replace the text, and another experiment closes the
   * field.
   */
  follow(settings: Settings): void {
    const subject = subjectOf(settings);
    if (subject === this.#subject) return;
    this.#subject = subject;
    this.#isOpen = settings.lines !== '';
    this.#text = settings.lines;
  }

  /** Opens with invalid lines from a link. @param settings what runs in their place. */
  correct(text: string, settings: Settings): void {
    this.#subject = subjectOf(settings);
    this.#isOpen = true;
    this.#text = text;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get text(): string {
    return this.#text;
  }

  toggle({ experiment }: Settings): void {
    this.#isOpen = !this.#isOpen;
    if (this.#text === '') this.#text = firstLines(experiment);
  }

  type(text: string): void {
    this.#text = text;
  }
}
