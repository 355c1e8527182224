// SPDX-License-Identifier: MIT
// A measurement ends what it has started, whatever fails.

import { describe, expect, it } from 'vitest';
import { type Ending, endingAll } from '../../bench/endings.ts';

/** Starts a, b and c, whose ends are logged; those named fail to end. */
function startAll(ending: Ending, log: string[], failing: readonly string[] = []): void {
  for (const name of ['a', 'b', 'c'])
    ending({
      end() {
        log.push(name);
        const fails = failing.includes(name);
        return fails ? Promise.reject(new Error(`${name} does not end`)) : Promise.resolve();
      },
    });
}

describe('endingAll', () => {
  it('ends the last first, after the measurement', async () => {
    const log: string[] = [];
    const result = await endingAll((ending) => {
      startAll(ending, log);
      log.push('measured');
      return 7;
    });
    expect([result, log]).toEqual([7, ['measured', 'c', 'b', 'a']]);
  });

  it('ends all when the measurement fails, and throws its error', async () => {
    const log: string[] = [];
    const measured = endingAll((ending) => {
      startAll(ending, log, ['b']);
      throw new Error('wrong result');
    });
    await expect(measured).rejects.toThrow('wrong result');
    expect(log).toEqual(['c', 'b', 'a']);
  });

  it('ends all when one does not end, and throws the first error', async () => {
    const log: string[] = [];
    const measured = endingAll((ending) => startAll(ending, log, ['a', 'b']));
    await expect(measured).rejects.toThrow('b does not end');
    expect(log).toEqual(['c', 'b', 'a']);
  });

  it('ends all when one throws instead of a rejection', async () => {
    const log: string[] = [];
    const measured = endingAll((ending) => {
      startAll(ending, log);
      ending({
        end() {
          throw new Error('d is already gone');
        },
      });
    });
    await expect(measured).rejects.toThrow('d is already gone');
    expect(log).toEqual(['c', 'b', 'a']);
  });
});
