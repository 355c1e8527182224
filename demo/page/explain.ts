// SPDX-License-Identifier: MIT
// Explanations: an element with data-explain shows one sentence next to it, when it is
// pointed at, tapped or focused. One element of each panel is in the tab order; the arrow
// keys go through the others. Escape hides the explanation, and so does pressing a control:
// then the result is what is read.

const EXPLAINED = '[data-explain]';
/** Distance between an element and its explanation, and from the edge of the window. */
const APART_PX = 6;
/** A pointer that has moved less than this rests. */
const STILL_PX = 5;

/** Text has no explanation of its own: that of its panel would cover what is being read. */
const UNREAD = 'button, select, input, textarea, canvas';
const PRESSED = 'button, a, summary';

/**
 * The text for a place of the page, and the element that it is shown next to: itself, a
 * surrounding one, or for a control its panel's heading.
 */
function explainedAt(
  target: EventTarget | null,
  isFocus: boolean,
): readonly [text: string, beside: Element] | undefined {
  if (!(target instanceof Element)) return undefined;
  const found = target.closest<HTMLElement | SVGElement>(EXPLAINED);
  // The focused element stays visible, whatever explains it.
  if (found) return [found.dataset.explain ?? '', isFocus ? target : found];
  if (!isFocus && !target.matches(UNREAD)) return undefined;
  const heading = target.closest('section')?.querySelector<HTMLElement>(`h2${EXPLAINED}`);
  return heading ? [heading.dataset.explain ?? '', target] : undefined;
}

/** The explained elements of a panel that can be focused, in document order. */
function neighbours(element: Element): (HTMLElement | SVGElement)[] {
  const panel = element.closest('section, form, header') ?? document.body;
  return [
    ...panel.querySelectorAll<HTMLElement | SVGElement>(
      `${EXPLAINED}:is(button:enabled, a, [tabindex])`,
    ),
  ];
}

function move(event: KeyboardEvent): void {
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  const { target } = event;
  // Fields use these keys themselves.
  if (
    step === undefined ||
    !(target instanceof HTMLElement || target instanceof SVGElement) ||
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

/**
 * Below the element if there is space, otherwise above it; never over it, and never
 * outside the window.
 */
function placeBeside(tip: HTMLElement, element: Element): void {
  const around = element.getBoundingClientRect();
  const { width, height } = tip.getBoundingClientRect();
  const below = around.bottom + APART_PX;
  const above = around.top - APART_PX - height;
  const top = below + height <= innerHeight || above < 0 ? below : above;
  const left = Math.min(around.left, innerWidth - width - APART_PX);
  tip.style.translate = `${Math.max(APART_PX, left)}px ${Math.min(top, innerHeight - height)}px`;
}

let box: HTMLElement | undefined;
let shown: Element | undefined;
/** Where a control was pressed, until the pointer leaves that place. */
let pressedAt: { readonly x: number; readonly y: number } | undefined;

export function hideExplanation(): void {
  shown = undefined;
  if (!box) return;
  box.hidden = true;
  box.textContent = '';
}

/** Call it after the page has changed: an explanation goes with its element. */
export function hideOrphanedExplanation(): void {
  if (shown && !(shown.isConnected && shown.checkVisibility())) hideExplanation();
}

/** The page has changed under a resting pointer, which is no reason to explain. */
function rests(event: Event): boolean {
  if (!(event instanceof PointerEvent) || !pressedAt) return false;
  const { x, y } = pressedAt;
  if (Math.hypot(event.clientX - x, event.clientY - y) < STILL_PX) return true;
  pressedAt = undefined;
  return false;
}

/** Shows explanations in `tip`. */
export function startExplaining(tip: HTMLElement): void {
  box = tip;
  const show = (event: Event) => {
    if (rests(event)) return;
    const [text, beside] = explainedAt(event.target, event.type === 'focusin') ?? [''];
    if (!beside || text === '') return hideExplanation();
    if (tip.textContent !== text) tip.textContent = text;
    tip.hidden = false;
    shown = beside;
    placeBeside(tip, beside);
  };
  hideExplanation();
  document.addEventListener('pointerover', show);
  document.addEventListener('focusin', show);
  const follow = () => shown && placeBeside(tip, shown);
  document.addEventListener('scroll', follow, { passive: true, capture: true });
  // Before the control acts, which may move the focus.
  document.addEventListener(
    'click',
    (event) => {
      if (!(event.target instanceof Element && event.target.closest(PRESSED))) return;
      // Without a pointer there is no place.
      pressedAt = event.detail > 0 ? { x: event.clientX, y: event.clientY } : undefined;
      hideExplanation();
    },
    { capture: true },
  );
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') hideExplanation();
    move(event);
  });
}
