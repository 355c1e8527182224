// SPDX-License-Identifier: MIT
// The folder that a site is written to. What is in it is deleted before, so it must be
// empty, or a site that was written before.

import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';

/** A site cannot be made. */
export class SiteError extends Error {}

/** What each site has. */
const PARTS = ['index.html', 'site.css'];

/**
 * Checks that a folder may be deleted and written again.
 * @param {string} out
 * @param {string} root A checkout, which the folder must not contain.
 * @throws {SiteError} when it may not.
 */
export function checkSiteFolder(out, root) {
  if (!existsSync(out)) return;
  const [folder, checkout] = [realpathSync(resolve(out)), realpathSync(resolve(root))];
  const [first] = relative(folder, checkout).split(sep);
  if (first !== '..') throw new SiteError(`${out} contains the checkout: it is not replaced`);
  if (!statSync(folder).isDirectory()) throw new SiteError(`${out} is not a folder`);
  const isSite = PARTS.every((name) => existsSync(join(folder, name)));
  if (!isSite && readdirSync(folder).length > 0)
    throw new SiteError(`${out} has other files than a site: it is not replaced`);
}
