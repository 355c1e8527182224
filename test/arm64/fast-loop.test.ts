// SPDX-License-Identifier: MIT
// The properties on which the interpreter's speed depends
// (docs/internals/architecture.md, "The arm64 CPU").

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const text = readFileSync(new URL('../../assembly/arm64.wat', import.meta.url), 'utf8');

/** The text of a function without its signature. */
function bodyOf(name: string): string {
  const start = text.indexOf(`\n (func $${name} `);
  expect(start).toBeGreaterThan(0);
  const end = text.indexOf('\n (func ', start + 1);
  return text.slice(start, end < 0 ? undefined : end);
}

/** Operations that have a result. */
const operationsOf = (body: string) =>
  body.match(/\bi(?:32|64)\.(?!store|const|atomic\.store)\w+/g)?.length ?? 0;
/**
 * With 5,900 operations Node 20 keeps the locals in registers, with 9,900 it does not:
 * its limit is 8,192 values of its own, which include some that are not operations here.
 */
const MOST = 6500;

describe('the fast loop', () => {
  const body = bodyOf('assembly/arm64/run-fast/runFast');

  it('calls no function', () => {
    expect(body).not.toMatch(/\bcall(?:_indirect)?\b/);
    expect(bodyOf('assembly/arm64/decode/decode')).toMatch(/\bcall\b/);
  });

  it('is small enough for the better of Node 20’s register allocators', () => {
    expect(operationsOf(body)).toBeGreaterThan(3000);
    expect(operationsOf(body)).toBeLessThan(MOST);
  });
});
