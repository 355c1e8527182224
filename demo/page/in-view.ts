// SPDX-License-Identifier: MIT
// Which parts of the page can be seen: while machines run the others are drawn now and then only.

import { render, type TemplateResult } from 'lit-html';
import type { Picture } from '../protocol.ts';
import { element } from './element.ts';
import type { Part } from './painter.ts';

/** Between two drawings of what is out of view: readers and searches of the page find it there, too. */
const ALL_MS = 1000;
/** What is about to come into view is drawn already. */
const MARGIN = '200px';

/** Whether an element is to be drawn. */
export type Seen = (place: Element) => boolean;

/** The part of a drawing that is a panel, if that is to be drawn. */
export function partOf(seen: Seen, id: string, content: () => TemplateResult): readonly Part[] {
  const place = element(id);
  return seen(place) ? [() => render(content(), place)] : [];
}

export class InView {
  readonly #observer: IntersectionObserver;
  readonly #places = new WeakMap<Element, boolean>();
  #all = Number.NEGATIVE_INFINITY;

  /** @param entered called when something that was out of view is to be drawn. */
  constructor(entered: () => void) {
    this.#observer = new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting } of entries) {
          const before = this.#places.get(target);
          this.#places.set(target, isIntersecting);
          if (isIntersecting && before === false) entered();
        }
      },
      { rootMargin: MARGIN },
    );
  }

  #has(place: Element): boolean {
    const known = this.#places.get(place);
    if (known !== undefined) return known;
    this.#places.set(place, true);
    this.#observer.observe(place);
    return true;
  }

  /**
   * What is to be drawn: all of it when the machines stand still, whatever they did in an earlier picture that is shown.
   * @param picture the machines as they are now.
   * @param idle nobody is there: what is out of view waits until somebody is.
   */
  seen(picture: Picture | undefined, idle: boolean): Seen {
    const now = performance.now();
    const all = picture?.state !== 'running' || (!idle && now - this.#all >= ALL_MS);
    if (all) this.#all = now;
    return (place) => this.#has(place) || all;
  }
}
