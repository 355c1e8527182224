// SPDX-License-Identifier: MIT
// Explanations: whatever carries data-explain says in one sentence what it is, in the
// line at the foot of the page, when it is pointed at or focused. One element of each
// panel is in the tab order; the arrow keys go through the others.

const EXPLAINED = '[data-explain]';
const IDLE =
  'Point at anything, or go through it with Tab and the arrow keys: this line says what it ' +
  'is. p runs and pauses, s steps, r resets.';

/** What explains a place of the page: itself, what it lies in, or else its panel's heading. */
function explainedAt(target: EventTarget | null): HTMLElement | undefined {
  if (!(target instanceof Element)) return undefined;
  const found =
    target.closest<HTMLElement>(EXPLAINED) ??
    target.closest('section')?.querySelector<HTMLElement>(`h2${EXPLAINED}`);
  return found ?? undefined;
}

/** The explained elements of a panel that can be focused, in the order of the document. */
function neighbours(element: HTMLElement): HTMLElement[] {
  const panel = element.closest('section, form, header') ?? document.body;
  return [...panel.querySelectorAll<HTMLElement>(`${EXPLAINED}:is(button:enabled, [tabindex])`)];
}

function move(event: KeyboardEvent): void {
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  const { target } = event;
  // Fields have their own use for these keys.
  if (
    step === undefined ||
    !(target instanceof HTMLElement) ||
    target.matches('select, input, textarea')
  )
    return;
  const all = neighbours(target);
  const at = all.indexOf(target);
  const next = all[at + step];
  if (at < 0 || !next) return;
  event.preventDefault();
  next.focus();
}

/** Shows explanations in `line`. */
export function startExplaining(line: HTMLElement): void {
  const show = (event: Event) => {
    line.textContent = explainedAt(event.target)?.dataset.explain ?? IDLE;
  };
  line.textContent = IDLE;
  document.addEventListener('pointerover', show);
  document.addEventListener('focusin', show);
  document.addEventListener('keydown', move);
}
