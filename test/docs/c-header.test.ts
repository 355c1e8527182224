// SPDX-License-Identifier: MIT
// The header for guests in C agrees with the layout tables.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as cd from '../../assembly/layout/cd.ts';
import * as cmdqv from '../../assembly/layout/cmdqv-registers.ts';
import * as commands from '../../assembly/layout/commands.ts';
import * as descriptors from '../../assembly/layout/descriptors.ts';
import * as dma from '../../assembly/layout/dma-engine-registers.ts';
import * as events from '../../assembly/layout/events.ts';
import * as abi from '../../assembly/layout/guest-abi.ts';
import * as pl011 from '../../assembly/layout/pl011-registers.ts';
import * as smmu from '../../assembly/layout/smmu-registers.ts';
import * as ste from '../../assembly/layout/ste.ts';
import { header, NOT_FOR_GUESTS } from '../../scripts/c-header.mjs';
import { PROJECT } from '../support/project.ts';

const text = readFileSync(join(PROJECT, 'guest-driver/vsmmu.h'), 'utf8');
const LAYOUT: Readonly<Record<string, number>> = {
  ...abi,
  ...pl011,
  ...smmu,
  ...cmdqv,
  ...commands,
  ...ste,
  ...cd,
  ...descriptors,
  ...events,
  ...dma,
};

/** Names and values of the constants between the markers. */
function constants(): Map<string, number> {
  const found = new Map<string, number>();
  for (const [, part = ''] of text.matchAll(/^\/\/ begin \S+\n([\s\S]*?)^\/\/ end$/gm))
    for (const [, name = '', value = ''] of part.matchAll(/^#define (\w+) ([^/\n]+)/gm)) {
      expect(found.has(name), `${name} twice`).toBe(false);
      const same = found.get(value.trim());
      const field = /^VSMMU_FIELD\((\d+), (\d+), (\d+)\)/.exec(value)?.slice(1).map(Number);
      const [word = 0, bit = 0, width = 0] = field ?? [];
      found.set(
        name,
        field
          ? word * 0x10000 + bit * 0x100 + width
          : (same ?? Number(value.trim().replace(/u$/, ''))),
      );
    }
  return found;
}

describe('vsmmu.h', () => {
  it('is what node scripts/c-header.mjs writes', () => {
    expect(text).toBe(header());
  });

  it('has each constant of its tables that a guest can use, with its value, and no other', () => {
    const expected = Object.entries(LAYOUT).filter(([name]) => !NOT_FOR_GUESTS.test(name));
    expect(expected.length).toBeGreaterThan(400);
    expect(Object.fromEntries(constants())).toEqual(Object.fromEntries(expected));
  });

  it('has the registers and fields of queues under the names of IHI 0070', () => {
    const names = [...constants().keys()];
    expect(names.filter((name) => name.includes('EVTQ'))).toEqual([]);
    for (const queue of ['CMDQ', 'EVENTQ', 'PRIQ']) {
      for (const register of ['BASE', 'PROD', 'CONS'])
        expect(names).toContain(`SMMU_${queue}_${register}`);
      for (const field of ['BASE_LOG2SIZE', 'PROD_WR', 'CONS_RD'])
        expect(names).toContain(`${queue}_${field}`);
      expect(names).toContain(`CR0_${queue}EN`);
      expect(names).toContain(`IDR1_${queue}S`);
    }
    for (const queue of ['EVENTQ', 'PRIQ'])
      for (const name of [
        `${queue}_PROD_OVFLG`,
        `${queue}_CONS_OVACKFLG`,
        `IRQ_CTRL_${queue}_IRQEN`,
        `GERROR_${queue}_ABT_ERR`,
        `GERROR_MSI_${queue}_ABT_ERR`,
        `SMMU_${queue}_IRQ_CFG0`,
      ])
        expect(names).toContain(name);
  });

  it('declares the functions that the runtime of AssemblyScript declares', () => {
    const runtime = readFileSync(join(PROJECT, 'guest-driver/runtime/vsmmu.ts'), 'utf8');
    const imports = [...text.matchAll(/^VSMMU_IMPORT\("(\w+)"\) (\S+) vsmmu_\1\((.*)\);$/gm)];
    const inWasm = (type: string) =>
      type.includes('64') ? 'i64' : type === 'double' ? 'f64' : type === 'void' ? type : 'i32';
    expect(
      imports.map(([, name = '', result = '', parameters = '']) => [
        name,
        parameters === 'void'
          ? []
          : parameters.split(', ').map((one) => inWasm(one.split(' ')[0] ?? '')),
        inWasm(result),
      ]),
    ).toEqual(
      [...runtime.matchAll(/^export declare function (\w+)\((.*)\): (\w+);$/gm)].map(
        ([, name, parameters = '', result]) => [
          name,
          parameters === '' ? [] : parameters.split(', ').map((one) => one.split(': ')[1]),
          result,
        ],
      ),
    );
  });
});
