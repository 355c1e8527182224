// SPDX-License-Identifier: MIT
// The first panel: the subject of the page in two sentences and a drawing, or the stop of
// the tour.

import { html, nothing, type TemplateResult } from 'lit-html';
import type { Settings } from '../demo-settings.ts';
import type { Picture } from '../protocol.ts';
import { TOUR, tourStop } from '../tour.ts';
import type { Actions } from './controls.ts';
import { drawing, type Moving } from './drawing.ts';
import { keysLine } from './single-keys.ts';
import { withTerms } from './terms.ts';

const WHY =
  'A driver that takes a page from a device must have the SMMU forget its translation (TLBI) ' +
  'before anybody else may use the page, and in a virtual machine each batch of such commands ' +
  'exits to the VMM, because no guest may touch what is another guest\u2019s. With CMDQV the ' +
  'hardware checks that itself: guests put TLBIs on queues of their own, and nothing exits.';

const HINT =
  'Point at anything, tap it, or go through it with Tab and the arrow keys: what it is stands ' +
  'beside it.';

function stops(settings: Settings, actions: Actions): TemplateResult {
  return html`<nav class="tour" aria-label="Tour">
    <span>Tour</span>
    ${TOUR.map(({ title }, i) => {
      const number = i + 1;
      return html`<a href="?tour=${number}" data-tour=${number}
          aria-label="Stop ${number}: ${title}" aria-current=${number === settings.tour ? 'step' : 'false'}
          data-explain="Stop ${number} of ${TOUR.length}: ${title}."
          @click=${(event: MouseEvent) => {
            // With a modifier it opens another tab, like any link.
            if (event.ctrlKey || event.metaKey || event.shiftKey) return;
            event.preventDefault();
            actions.tour(number);
          }}>${number}</a>`;
    })}
    ${
      settings.tour === 0
        ? nothing
        : html`<button type="button" id="leave-tour" @click=${() => actions.tour(0)}
            data-explain="Ends the tour: all paths, side by side.">leave</button>`
    }
  </nav>`;
}

/** Pictures whose step has been taken: the second click of a double click takes no second one. */
const stepped = new WeakSet<Picture>();

/** @param until number of steps of the machines. */
function takeSteps(picture: Picture, until: number, actions: Actions): void {
  if (stepped.has(picture)) return;
  stepped.add(picture);
  actions.step(until - picture.steps);
}

/** Goes on, unless it is the end of a double click on the button that was here before. */
function goOn(event: MouseEvent, stop: number, actions: Actions): void {
  if (event.detail > 1) return;
  actions.tour(stop);
}

function stopText(settings: Settings, picture: Picture | undefined, actions: Actions) {
  const stop = tourStop(settings.tour);
  if (!stop) return html`<p class="why">${withTerms(WHY)}</p>`;
  const { title, before, after, steps, shown } = stop;
  const taken = (picture?.steps ?? 0) >= steps + shown;
  const early = (picture?.steps ?? 0) < steps;
  const last = settings.tour === TOUR.length;
  return html`<div class="why" aria-live="polite" data-stop=${taken ? 'after' : 'before'}>
    <p><b>${settings.tour}. ${title}.</b> ${withTerms(taken ? after : before)}</p>
    <p>${
      taken
        ? last
          ? nothing
          : html`<button type="button" class="primary" id="tour-next"
              data-explain="The next stop of the tour."
              @click=${(event: MouseEvent) => goOn(event, settings.tour + 1, actions)}>Next stop</button>`
        : html`<button type="button" class="primary" id="tour-step" ?disabled=${early || picture?.state !== 'paused'}
            data-explain="Takes what this stop is about, step by step (s)."
            @click=${() => picture && takeSteps(picture, steps + shown, actions)}>${
              shown === 1 ? 'Take the step' : 'Take the steps'
            }</button>`
    }</p>
  </div>`;
}

/** @param booting other machines are in the making; the stop is about those. */
export function lesson(
  settings: Settings,
  picture: Picture | undefined,
  traffic: Moving,
  booting: boolean,
  actions: Actions,
): TemplateResult {
  return html`<div class="lesson-head">
      <h2 tabindex="0" data-explain=${HINT}>${
        settings.tour === 0 ? 'Why CMDQV' : `Stop ${settings.tour} of ${TOUR.length}`
      }</h2>
      ${stops(settings, actions)}
    </div>
    ${stopText(settings, booting ? undefined : picture, actions)}
    ${drawing(picture, traffic)}
    <p class="caption">Times are this tab\u2019s; exits are what hardware saves.
      <small>${HINT}</small>${keysLine(actions)}</p>`;
}
