// SPDX-License-Identifier: MIT
// Whether anybody is there: hidden tabs stand still, and a page that nobody touches goes slowly.

/** So long without input is nobody there. */
export const IDLE_MS = 60_000;
const INPUTS = [
  'pointerdown',
  'pointermove',
  'keydown',
  'wheel',
  'touchstart',
  'focusin',
  'input',
  'change',
  'drop',
] as const;

export interface Presence {
  /** The tab is not seen. */
  readonly hidden: boolean;
  /** There has been no input for IDLE_MS. */
  readonly idle: boolean;
}

/** Tells of each change. */
export function watchPresence(changed: (presence: Presence) => void): void {
  let idle = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tell = () => {
    // For the style sheet: nothing moves for nobody.
    document.body.toggleAttribute('data-idle', idle || document.hidden);
    changed({ hidden: document.hidden, idle });
  };
  const restart = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      idle = true;
      tell();
    }, IDLE_MS);
  };
  const input = () => {
    restart();
    if (!idle) return;
    idle = false;
    tell();
  };
  for (const name of INPUTS)
    document.addEventListener(name, input, { passive: true, capture: true });
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) input();
    tell();
  });
  restart();
}
