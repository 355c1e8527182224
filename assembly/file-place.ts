// SPDX-License-Identifier: MIT
// Where files lie that a user names: by URLs, or by paths.

import { IN_NODE } from './in-node.ts';

/** Whether a text is a URL: a path is anything else. */
export const isUrl = (text: string) => /^[a-z][a-z0-9+.-]+:/i.test(text);

/** What relative URLs of a page, or of a worker of it, are relative to. */
function pageBase(): string {
  const { document, location } = globalThis as {
    document?: { baseURI: string };
    location?: { href: string };
  };
  return document?.baseURI ?? location?.href ?? '';
}

/**
 * The URL of a file. What is no URL is a path from the working directory in Node.js, Bun and Deno,
 * and a URL that is relative to the document elsewhere (in a worker: to the worker's own URL).
 * @throws {TypeError} when it is none.
 */
export function fileUrl(place: string | URL): URL {
  if (typeof place !== 'string' || isUrl(place)) return new URL(place);
  if (place === '') throw new TypeError('Invalid URL');
  return IN_NODE
    ? process.getBuiltinModule('node:url').pathToFileURL(place)
    : new URL(place, pageBase());
}
