import { JSON_FORMAT_VERSION } from '../vmm/api/index.ts';

/** What `--json` prints: one line, with the version of its format in front. */
export function jsonLine(value: object): string {
  return `${JSON.stringify({ formatVersion: JSON_FORMAT_VERSION, ...value })}\n`;
}
