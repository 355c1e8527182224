// SPDX-License-Identifier: MIT
// Locations of files that a user names, by URL or by path.

import { IN_NODE } from './in-node.ts';

/** Whether a text is a URL; anything else is a path. */
export const isUrl = (text: string) => /^[a-z][a-z0-9+.-]+:/i.test(text);

/** The base of relative URLs in a page or in a worker. */
function pageBase(): string {
  const { document, location } = globalThis as {
    document?: { baseURI: string };
    location?: { href: string };
  };
  return document?.baseURI ?? location?.href ?? '';
}

/**
 * The URL of a file. A text that is not a URL is a path from the working directory in
 * Node.js, Bun and Deno, and elsewhere a URL relative to the document (in a worker: to
 * the worker's own URL).
 * @throws {TypeError} when it is neither.
 */
export function fileUrl(place: string | URL): URL {
  if (typeof place !== 'string' || isUrl(place)) return new URL(place);
  if (place === '') throw new TypeError('Invalid URL');
  return IN_NODE
    ? process.getBuiltinModule('node:url').pathToFileURL(place)
    : new URL(place, pageBase());
}
