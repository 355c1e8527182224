// SPDX-License-Identifier: MIT
// Detects the user's presence: hidden tabs are paused, and an unused page runs slowly.

/** Time without input after which the user counts as absent. */
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
  /** The tab is not visible. */
  readonly hidden: boolean;
  /** There has been no input for IDLE_MS. */
  readonly idle: boolean;
}

/** Calls `changed` at each change. */
export function watchPresence(changed: (presence: Presence) => void): void {
  let idle = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tell = () => {
    // For the style sheet: no animations for an absent user.
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
