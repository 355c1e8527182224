// SPDX-License-Identifier: MIT
// The toy's files: fetched once for all machines, before these are created.

import { toyGuest, toySecondary } from 'vsmmu/guest';
import type { Settings } from '../demo-settings.ts';
import type { PickedGuest } from '../protocol.ts';

/** By URL. */
const fetched = new Map<string, Uint8Array<ArrayBuffer>>();

/**
 * A file that cannot be fetched is left to the creation of the machines, which reports
 * the error.
 */
async function fetchFile({ href }: URL): Promise<void> {
  try {
    const answer = await fetch(href);
    if (answer.ok) fetched.set(href, new Uint8Array(await answer.arrayBuffer()));
  } catch {
    // See above.
  }
}

/**
 * Fetches the programs of machines with these settings. Never rejects.
 * @param guest undefined: the toy.
 */
export async function fetchToy({ vcpus }: Settings, guest: PickedGuest | undefined): Promise<void> {
  if (guest) return;
  await Promise.all([toyGuest, ...(vcpus > 1 ? [toySecondary] : [])].map(fetchFile));
}

/** A file, or its place if it has not been fetched. */
export function toyFile(url: URL): URL | Uint8Array<ArrayBuffer> {
  return fetched.get(url.href) ?? url;
}
