// SPDX-License-Identifier: MIT
// Cross-origin isolation on hosts that do not send its headers: a service worker adds
// them, and the page loads once more.

import { store, stored } from './page/storage.ts';

/**
 * Set while a reload is under way, so that a service worker that changes nothing does not
 * have the page load forever.
 */
const RELOADED_KEY = 'vsmmu-reloaded';

/** How long a service worker may take to be there before the page does without. */
const READY_MS = 5000;

/**
 * Makes the page cross-origin isolated if it is not and can be.
 * @returns true when it loads again and nothing should be started; false when it is as isolated as it gets.
 */
export async function becomeIsolated(): Promise<boolean> {
  const possible =
    import.meta.env.PROD && !crossOriginIsolated && isSecureContext && 'serviceWorker' in navigator;
  if (!possible || stored('sessionStorage', RELOADED_KEY) !== null) {
    if (crossOriginIsolated) store('sessionStorage', RELOADED_KEY, null);
    return false;
  }
  try {
    await navigator.serviceWorker.register('./service-worker.js');
    const ready = await Promise.race([
      navigator.serviceWorker.ready,
      new Promise((late) => setTimeout(late, READY_MS)),
    ]);
    if (!ready) return false;
  } catch {
    // Blocked by the browser or its user: one worker does without.
    return false;
  }
  // Without a mark it might load forever.
  if (!store('sessionStorage', RELOADED_KEY, '1')) return false;
  location.reload();
  return true;
}
