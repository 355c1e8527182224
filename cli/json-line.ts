import { JSON_FORMAT_VERSION } from '../vmm/api/index.ts';

/** What JSON leaves as it is and a terminal may not: DEL, C1 controls, marks that turn the direction of writing. */
const HARMFUL = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** What `--json` prints: one line, with the version of its format in front. */
export function jsonLine(value: object): string {
  const text = JSON.stringify({ formatVersion: JSON_FORMAT_VERSION, ...value });
  const escaped = text.replace(
    HARMFUL,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `${escaped}\n`;
}
