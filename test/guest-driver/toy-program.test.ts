// SPDX-License-Identifier: MIT
// The toy's program=…: an unknown operation fails a check, and changes nothing.

import { describe, expect, it } from 'vitest';
import { runToy, type ToyRun } from '../support/toy-board.ts';

const run = (program: string) => runToy({ args: ['path=all', `program=${program}`] });
const failed = ({ checks }: ToyRun) => [...checks].filter(([, ok]) => !ok).map(([name]) => name);
const said = ({ console }: ToyRun) => console.map((line) => line.trim());

describe('a program of the toy', () => {
  it('runs to its end, which is a check', async () => {
    const toy = await run('m1000.3,r1000,u1000,v1000,y');
    expect(failed(toy)).toEqual([]);
    expect(toy.checks.get('program')).toBe(true);
    expect(said(toy)).toEqual(
      expect.arrayContaining([
        '[ 8] map 0x1000 page 3',
        'the device has read page 3',
        'ok    program: 5 operations',
      ]),
    );
  });

  it.each([
    ['m1000.3,z', 'operation 2 is none that the toy knows'],
    ['m1000.3,q1000', 'operation 2 has something after it'],
    ['M1000.3', 'operation 1 has something after it'],
    [',', 'operation 1 is none that the toy knows'],
    [',y', 'operation 1 has something after it'],
    ['y,,y', 'operation 2 has something after it'],
    ['y y', 'operation 1 has something after it'],
    ['a1000', 'operation 1 has something after it'],
    ['u', 'operation 1 has no address'],
    ['uA000', 'operation 1 has no address'],
    ['m1000', 'operation 1 has no page'],
    ['m1000.', 'operation 1 has no page'],
    ['m1000.8', 'operation 1 has a page that the toy has not'],
    ['m1000.100000000', 'operation 1 has a page that the toy has not'],
    ['o1000.1.1', 'operation 1 has something after it'],
    ['m1001.0', 'operation 1 has no address of a page'],
    ['u1008', 'operation 1 has no address of a page'],
    ['r1000000000000', 'operation 1 has an address beyond 48 bits'],
    ['v10000000000001000', 'operation 1 has an address beyond 48 bits'],
    [`w${'f'.repeat(600)}`, 'operation 1 has an address beyond 48 bits'],
  ])('%s fails', async (program, line) => {
    const toy = await run(program);
    expect(failed(toy)).toEqual(['program']);
    expect(said(toy)).toContain(`FAIL  program: ${line}`);
    expect(said(toy).at(-1)).toMatch(/ 1 failed$/);
  });

  it.each(['u1000000001000', 'u10000000000001000', 'u1004'])(
    'leaves the PTE of another page alone: %s',
    async (program) => {
      const toy = await run(`m1000.2,${program}`);
      expect(failed(toy)).toEqual(['program']);
      expect(said(toy).join()).not.toContain('PTE cleared');
    },
  );
});

describe('arguments of the toy', () => {
  it.each([
    ['of more than 2048 bytes', [`program=${'y,'.repeat(1100)}y`]],
    ['of more than 16', Array.from({ length: 17 }, (_, i) => `round${i}=1`)],
  ])('%s are refused in one line', async (_, args) => {
    const toy = await runToy({ args });
    expect(failed(toy)).toEqual(['arguments']);
    expect(toy.console.filter((line) => line.includes('FAIL')).map((line) => line.trim())).toEqual([
      'FAIL  arguments: there are more than 16, or more than 2048 bytes of them',
    ]);
    expect(toy.steps).toBe(2);
  });
});
