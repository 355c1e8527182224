// SPDX-License-Identifier: MIT
// Explanations: an element with data-explain shows one sentence next to it, when it is
// pointed at, tapped or focused. One element of each panel is in the tab order; the arrow
// keys go through the others. Escape hides the explanation.

const EXPLAINED = '[data-explain]';
/** Distance between an element and its explanation, and from the edge of the window. */
const APART_PX = 6;

/**
 * The element that explains a place of the page: itself, a surrounding one, or its
 * panel's heading.
 */
function explainedAt(target: EventTarget | null): HTMLElement | SVGElement | undefined {
  if (!(target instanceof Element)) return undefined;
  const found =
    target.closest<HTMLElement | SVGElement>(EXPLAINED) ??
    target.closest('section')?.querySelector<HTMLElement>(`h2${EXPLAINED}`);
  return found ?? undefined;
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

/** Shows explanations in `tip`. */
export function startExplaining(tip: HTMLElement): void {
  let shown: Element | undefined;
  const hide = () => {
    shown = undefined;
    tip.hidden = true;
    tip.textContent = '';
  };
  const show = (event: Event) => {
    const found = explainedAt(event.target);
    const text = found?.dataset.explain ?? '';
    if (!found || text === '') return hide();
    if (tip.textContent !== text) tip.textContent = text;
    tip.hidden = false;
    // The focused element stays visible, even if its panel’s heading explains it.
    const isFocus = event.type === 'focusin' && event.target instanceof Element;
    shown = isFocus ? event.target : found;
    placeBeside(tip, shown);
  };
  hide();
  document.addEventListener('pointerover', show);
  document.addEventListener('focusin', show);
  const follow = () => shown && placeBeside(tip, shown);
  document.addEventListener('scroll', follow, { passive: true, capture: true });
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') hide();
    move(event);
  });
}
