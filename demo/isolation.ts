// SPDX-License-Identifier: MIT
// Cross-origin isolation on hosts that do not send its headers: a service worker adds
// them, and the page loads again.

/** Time for a service worker to start before the page continues without it. */
const READY_MS = 5000;

/** The first Chromium that supports Document-Isolation-Policy. */
const FIRST_CHROMIUM = 137;

/** The header with which the service worker isolates the page. */
type Policy = 'document' | 'opener';

interface BrandedNavigator {
  readonly userAgentData?: {
    readonly brands: readonly { readonly brand: string; readonly version: string }[];
  };
}

/**
 * Document-Isolation-Policy, if the browser should support it, keeps the page's access to
 * the windows that it opens, such as Perfetto's; otherwise Cross-Origin-Opener-Policy. If
 * the former turns out not to isolate the page, the latter is tried.
 * @param tried the purpose of the last reload, if there was one.
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

/**
 * Set during a reload to its purpose, so that a service worker without an effect does not
 * make the page load for ever. It is in the history's entry: an isolated page has a session
 * storage of its own, which the next hard reload leaves for the former one and its marks.
 */
const MARK = 'reloadedFor';

function marked(): string | null {
  const mark = (history.state as Readonly<Record<string, unknown>> | null)?.[MARK];
  return typeof mark === 'string' ? mark : null;
}

/**
 * Sets the mark, or removes it.
 * @returns false when the browser does not allow it.
 */
function mark(policy: Policy | undefined): boolean {
  try {
    const state = history.state as Readonly<Record<string, unknown>> | null;
    history.replaceState({ ...state, [MARK]: policy }, '');
    return true;
  } catch {
    return false;
  }
}

/** Resolves when the service worker for a policy controls the page. */
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
 * @returns true when it loads again, so that nothing should be started; false when its
 *   isolation is final.
 */
export async function becomeIsolated(): Promise<boolean> {
  const tried = marked();
  if (crossOriginIsolated && tried !== null) mark(undefined);
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
    // Blocked by the browser or its user: the page works with one worker.
    return false;
  }
  // Without the mark it might load for ever.
  if (!mark(policy)) return false;
  location.reload();
  return true;
}
