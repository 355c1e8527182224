// SPDX-License-Identifier: MIT
// Adds the headers that make a page cross-origin isolated, for static hosts that cannot
// send them. All files come from the page's own origin.

// The page chooses (isolation.ts): Document-Isolation-Policy, or Cross-Origin-Opener-Policy,
// which every browser supports.
const byDocument = new URL(self.location.href).searchParams.get('policy') === 'document';

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET' || new URL(request.url).origin !== self.location.origin) return;
  event.respondWith(isolated(request));
});

async function isolated(request) {
  const response = await fetch(request);
  // Neither a redirect nor an opaque response can be rewritten.
  if (response.type === 'opaqueredirect' || response.status === 0) return response;
  const headers = new Headers(response.headers);
  if (!byDocument) headers.set('Cross-Origin-Opener-Policy', 'same-origin');
  headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
  const embedded = new URL(request.url).searchParams.get('embed') === '1';
  // In the frame of another page the two above do nothing: this one does, where the browser has it.
  if (byDocument || embedded) headers.set('Document-Isolation-Policy', 'isolate-and-require-corp');
  headers.set('Cross-Origin-Resource-Policy', embedded ? 'cross-origin' : 'same-origin');
  return new Response(response.body, {
    status: response.status,
    statusText: response.statusText,
    headers,
  });
}
