// Explanations: whatever carries data-explain says in one sentence what it is, in the line at the foot of the page, when it is pointed at or
// focused. One element of each panel is in the tab order; the arrow keys go through the others.

const EXPLAINED = '[data-explain]';
const IDLE =
  'Point at anything, or go through it with Tab and the arrow keys: this line says what it is. p runs and pauses, s steps, r resets.';

function explainedAt(target: EventTarget | null): HTMLElement | undefined {
  return target instanceof Element ? (target.closest<HTMLElement>(EXPLAINED) ?? undefined) : undefined;
}

/** The explained elements of a panel, in the order of the document. */
function neighbours(element: HTMLElement): HTMLElement[] {
  const panel = element.closest('section') ?? document.body;
  return [...panel.querySelectorAll<HTMLElement>(EXPLAINED)].filter(
    (other) => other.tabIndex !== 0 || other === element || other.tagName !== 'BUTTON',
  );
}

function move(event: KeyboardEvent): void {
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  const from = explainedAt(event.target);
  if (step === undefined || !from || from.matches('select, input')) return;
  const all = neighbours(from);
  const next = all[all.indexOf(from) + step];
  if (!next) return;
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
