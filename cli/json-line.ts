// SPDX-License-Identifier: MIT

import { HARMFUL } from '../devices/plugin/printable.ts';
import { JSON_FORMAT_VERSION } from '../vmm/api/index.ts';

/** The output of `--json`: one line, with the version of the format first. */
export function jsonLine(value: object): string {
  const text = JSON.stringify({ formatVersion: JSON_FORMAT_VERSION, ...value });
  // JSON itself escapes only C0 controls and lone surrogates.
  const escaped = text.replace(
    HARMFUL,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `${escaped}\n`;
}
