// SPDX-License-Identifier: MIT
// The place in a run and on the page that a link leads to: the step at which the machines
// are stopped, the event that is shown, the panel that is open.

import { cut } from './cut-text.ts';
import { PANEL_NAMES, type PanelName } from './panel-names.ts';

/**
 * Maximum number of steps that a link can make the machines take before they are shown.
 */
export const MOST_STEPS = 20_000;
const MOST_EVENT = 9_999_999;

export interface Place {
  /**
   * The machines are stopped at this step; undefined: they run, or start as the settings
   * say.
   */
  readonly step?: number | undefined;
  /** Number of the event that is shown, when events are recorded. */
  readonly event?: number | undefined;
  readonly panel?: PanelName | undefined;
}

/** A place in the form for a link. @returns also what is left out, one line each. */
export function placeForLink(place: Place): { readonly place: Place; readonly lost: string[] } {
  const [step, event] = [limited(place.step, MOST_STEPS), limited(place.event, MOST_EVENT)];
  const lost = [
    ...(step === place.step ? [] : [`step ${place.step}: ${MOST_STEPS}`]),
    ...(event === place.event ? [] : [`event ${place.event}: ${MOST_EVENT}`]),
  ];
  return {
    place: { ...place, step, event },
    lost: lost.map((what) => `The link has no ${what} is the most for a link.`),
  };
}

const limited = (number: number | undefined, most: number) =>
  number !== undefined && number > most ? undefined : number;

/** Names of its parameters. */
export const PLACE_PARAMETERS = ['step', 'event', 'panel'] as const;

function numberOf(text: string | null, most: number): number | undefined {
  if (text === null || !/^\d{1,7}$/.test(text)) return undefined;
  return Number(text) <= most ? Number(text) : undefined;
}

const isPanel = (name: string | null): name is PanelName =>
  (PANEL_NAMES as readonly (string | null)[]).includes(name);

/** The place in a URL's query. Invalid parameters are ignored. */
export function readPlace(query: URLSearchParams): Place {
  const panel = query.get('panel');
  return {
    step: numberOf(query.get('step'), MOST_STEPS),
    event: query.get('events') === 'yes' ? numberOf(query.get('event'), MOST_EVENT) : undefined,
    panel: isPanel(panel) ? panel : undefined,
  };
}

/** Parameters of a place that the page does not support, one line each. */
export function placeProblems(query: URLSearchParams): string[] {
  const place = readPlace(query);
  const allowed = {
    step: `a number from 0 to ${MOST_STEPS}`,
    event: `a number from 0 to ${MOST_EVENT}, with events=yes`,
    panel: `one of ${PANEL_NAMES.join(', ')}`,
  };
  return PLACE_PARAMETERS.flatMap((name) =>
    query.getAll(name).flatMap((given, i) => {
      if (i > 0) return [`${name}=${cut(given)}: there is one already; ignored.`];
      if (place[name] !== undefined) return [];
      return [`${name}=${cut(given)}: must be ${allowed[name]}; ignored.`];
    }),
  );
}

/** Adds a place to a query. */
export function writePlace(place: Place, query: URLSearchParams): void {
  for (const name of PLACE_PARAMETERS) {
    const value = place[name];
    if (value !== undefined) query.set(name, String(value));
  }
}
