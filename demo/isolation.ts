// SPDX-License-Identifier: MIT
// Cross-origin isolation on hosts that do not send its headers: a service worker adds
// them, and the page loads once more.

import { store, stored } from './page/storage.ts';

/**
 * Set while a reload is under way, to what it was to bring, so that a service worker that changes nothing
 * does not have the page load forever.
 */
const RELOADED_KEY = 'vsmmu-reloaded';

/** How long a service worker may take to be there before the page does without. */
const READY_MS = 5000;

/** The first Chromium whose documents isolate themselves by Document-Isolation-Policy. */
const FIRST_CHROMIUM = 137;

/** By which header the service worker isolates the page. */
type Policy = 'document' | 'opener';

interface BrandedNavigator {
  readonly userAgentData?: {
    readonly brands: readonly { readonly brand: string; readonly version: string }[];
  };
}

/**
 * Document-Isolation-Policy, where the browser should have it, leaves the page a hold of the windows that it
 * opens, as of Perfetto's; everything else has Cross-Origin-Opener-Policy. If the former turns out not to
 * isolate the page, the latter is tried.
 * @param tried what the last reload was to bring, if it was one.
 */
function nextPolicy(tried: string | null): Policy | undefined {
  if (tried === 'document') return 'opener';
  if (tried !== null) return undefined;
  const brands = (navigator as BrandedNavigator).userAgentData?.brands ?? [];
  const isNew = brands.some(
    ({ brand, version }) => brand === 'Chromium' && Number(version) >= FIRST_CHROMIUM,
  );
  return isNew ? 'document' : 'opener';
}

/** Resolves when the service worker for a policy has the page's requests. */
async function register(policy: Policy): Promise<void> {
  const query = policy === 'document' ? '?policy=document' : '';
  const { installing, waiting } = await navigator.serviceWorker.register(
    `./service-worker.js${query}`,
  );
  const worker = installing ?? waiting;
  if (worker)
    await new Promise<void>((activated) => {
      const look = () => {
        if (worker.state === 'activated') activated();
      };
      worker.addEventListener('statechange', look);
      look();
    });
  await navigator.serviceWorker.ready;
}

/**
 * Makes the page cross-origin isolated if it is not and can be.
 * @returns true when it loads again and nothing should be started; false when it is as isolated as it gets.
 */
export async function becomeIsolated(): Promise<boolean> {
  const tried = stored('sessionStorage', RELOADED_KEY);
  if (crossOriginIsolated && tried !== null) store('sessionStorage', RELOADED_KEY, null);
  const possible =
    import.meta.env.PROD && !crossOriginIsolated && isSecureContext && 'serviceWorker' in navigator;
  const policy = possible ? nextPolicy(tried) : undefined;
  if (!policy) return false;
  try {
    const ready = await Promise.race([
      register(policy).then(() => true),
      new Promise((late) => setTimeout(late, READY_MS)),
    ]);
    if (!ready) return false;
  } catch {
    // Blocked by the browser or its user: one worker does without.
    return false;
  }
  // Without a mark it might load forever.
  if (!store('sessionStorage', RELOADED_KEY, policy)) return false;
  location.reload();
  return true;
}
