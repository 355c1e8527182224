// SPDX-License-Identifier: MIT
// Sends a trace to Perfetto's page, which accepts one by a message to its window
// (perfetto.dev/docs, "Deep linking to the Perfetto UI").

const PERFETTO = 'https://ui.perfetto.dev';
const PING_MS = 50;
const MOST_MS = 30_000;

/** Resolves to true when the page in a window answers; otherwise false. */
function answers(opened: Window): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (found: boolean) => {
      clearInterval(pinging);
      clearTimeout(late);
      removeEventListener('message', hear);
      resolve(found);
    };
    const hear = ({ origin, data }: MessageEvent) => {
      if (origin === PERFETTO && data === 'PONG') end(true);
    };
    addEventListener('message', hear);
    const pinging = setInterval(() => opened.postMessage('PING', PERFETTO), PING_MS);
    const late = setTimeout(() => end(false), MOST_MS);
  });
}

const DO_IT_YOURSELF = 'Download the trace and drop it on ui.perfetto.dev.';

/**
 * A document that is isolated by Cross-Origin-Opener-Policy has no access to a window
 * that it opens. With Document-Isolation-Policy it has, and in a frame COOP has no
 * effect. Only the header tells which of the two a page has.
 */
async function keepsToItself(): Promise<boolean> {
  if (!crossOriginIsolated || window.top !== window) return false;
  try {
    const own = await fetch(location.href, { cache: 'force-cache' });
    return own.headers.has('Cross-Origin-Opener-Policy');
  } catch {
    return true;
  }
}

/**
 * Opens a trace there; call it during a click.
 * @returns why it cannot be done, in one line; empty when it is done.
 */
export async function openInPerfetto(trace: () => Promise<Uint8Array>): Promise<string> {
  if (await keepsToItself())
    return `This page is isolated by Cross-Origin-Opener-Policy, so no other page takes a trace from it. ${DO_IT_YOURSELF}`;
  const opened = window.open(PERFETTO);
  if (!opened) return `The browser opens no window for this page. ${DO_IT_YOURSELF}`;
  const [bytes, found] = await Promise.all([trace(), answers(opened)]);
  if (!found) return `ui.perfetto.dev does not answer. ${DO_IT_YOURSELF}`;
  const { buffer } = bytes;
  opened.postMessage({ perfetto: { buffer, title: 'vsmmu' } }, PERFETTO);
  return '';
}
