// SPDX-License-Identifier: MIT

import { HARMFUL } from '../devices/plugin/printable.ts';
import { JSON_FORMAT_VERSION } from '../vmm/api/index.ts';

/** What `--json` prints: one line, with the version of its format in front. */
export function jsonLine(value: object): string {
  const text = JSON.stringify({ formatVersion: JSON_FORMAT_VERSION, ...value });
  // Of these JSON itself escapes only C0 controls and halves of surrogate pairs.
  const escaped = text.replace(
    HARMFUL,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `${escaped}\n`;
}
