// SPDX-License-Identifier: MIT
// Detects which parts of the page are visible: while machines run, the others are drawn
// only now and then.

import { render, type TemplateResult } from 'lit-html';
import type { Picture } from '../protocol.ts';
import { element } from './element.ts';
import type { Part } from './painter.ts';

/**
 * Time between two drawings of invisible parts, for screen readers and searches of the
 * page.
 */
const ALL_MS = 1000;
/** Parts that are about to become visible are drawn in advance. */
const MARGIN = '200px';

/** True when an element has to be drawn. */
export type Seen = (place: Element) => boolean;

/** The part of a drawing that is a panel, if it has to be drawn. */
export function partOf(seen: Seen, id: string, content: () => TemplateResult): readonly Part[] {
  const place = element(id);
  return seen(place) ? [() => render(content(), place)] : [];
}

export class InView {
  readonly #observer: IntersectionObserver;
  readonly #places = new WeakMap<Element, boolean>();
  #all = Number.NEGATIVE_INFINITY;

  /** @param entered called when an invisible part has to be drawn. */
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
   * The parts to draw: all of them when the machines are stopped, whatever they did in an
   * earlier picture that is shown.
   * @param picture the machines as they are now.
   * @param idle the user is absent: what is out of view waits.
   */
  seen(picture: Picture | undefined, idle: boolean): Seen {
    const now = performance.now();
    const all = picture?.state !== 'running' || (!idle && now - this.#all >= ALL_MS);
    if (all) this.#all = now;
    return (place) => this.#has(place) || all;
  }
}
