// SPDX-License-Identifier: MIT
// Checks of the hosted CI and of the issue forms that do not need their host: they are
// valid YAML, their commands exist, and their expressions use defined names.

import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import manifest from '../../package.json' with { type: 'json' };
import { PROJECT } from '../support/project.ts';

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly if?: string;
  readonly with?: Readonly<Record<string, string | number>>;
}
interface Job {
  readonly 'runs-on': string;
  readonly steps: readonly Step[];
  readonly needs?: string | readonly string[];
  readonly strategy?: { readonly matrix: { readonly include: readonly Record<string, unknown>[] } };
}

/** A file's value. Duplicate keys and wrong indentation are errors. */
function parsed(path: string): unknown {
  const document = parseDocument(readFileSync(join(PROJECT, path), 'utf8'), { strict: true });
  expect([...document.errors, ...document.warnings], path).toEqual([]);
  return document.toJS();
}

/**
 * Problems of a shell command: scripts, programs and files that it names and that do not
 * exist.
 */
function problemsOf(command: string): string[] {
  return command
    .split(/&&|\|\||;|\n/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .flatMap((part) => {
      const words = part.split(/\s+/);
      const [program = '', first = '', second = ''] = words;
      if (program === 'npm' && first === 'run')
        return second in manifest.scripts ? [] : [`package.json has no script ${second}`];
      if (program === 'npm')
        return first === 'ci' || first in manifest.scripts ? [] : [`npm has no ${first}`];
      if (program === 'node') return existsSync(join(PROJECT, first)) ? [] : [`no ${first}`];
      const isAssignment = /^\w+=/.test(program);
      if (program === 'git' || isAssignment) return [];
      return existsSync(join(PROJECT, program)) ? [] : [`no ${program}`];
    });
}

describe('the hosted workflow', () => {
  const { jobs, on } = parsed('.github/workflows/ci.yml') as {
    jobs: Readonly<Record<string, Job>>;
    on: Readonly<Record<string, unknown>>;
  };
  const all = Object.entries(jobs);

  it('runs for pushes and pull requests, each job on a known system', () => {
    expect(Object.keys(on).sort()).toEqual(['pull_request', 'push']);
    const systems = all.flatMap(([, { 'runs-on': system, strategy }]) =>
      strategy ? strategy.matrix.include.map((entry) => entry['runs-on']) : [system],
    );
    expect(systems.length).toBeGreaterThan(4);
    for (const system of systems)
      expect(system).toMatch(/^(ubuntu-\d\d\.\d\d(-arm)?|macos-\d\d|windows-\d{4})$/);
  });

  it('runs existing commands', () => {
    const commands = all.flatMap(([, { steps, strategy }]) => [
      ...steps.flatMap(({ run }) => (run === undefined || run.includes('${{') ? [] : [run])),
      ...(strategy?.matrix.include.map(({ run }) => String(run)) ?? []),
    ]);
    expect(commands.length).toBeGreaterThan(6);
    expect(commands.flatMap(problemsOf)).toEqual([]);
    accessSync(join(PROJECT, '.ci/run'), constants.X_OK);
  });

  it('has expressions that name members of each entry of the matrix, and existing jobs', () => {
    for (const [name, job] of all) {
      const used = [...JSON.stringify(job).matchAll(/matrix\.([\w-]+)/g)].map(([, key]) => key);
      if (job.strategy) expect(used.length, name).toBeGreaterThan(4);
      for (const key of new Set(used))
        for (const entry of job.strategy?.matrix.include ?? [{}])
          expect(Object.keys(entry), name).toContain(key);
      for (const needed of [job.needs ?? []].flat()) expect(jobs, name).toHaveProperty(needed);
    }
  });

  it('has steps that either use an action or run a command', () => {
    for (const [name, { steps }] of all)
      for (const step of steps)
        expect(Number('uses' in step) + Number('run' in step), name).toBe(1);
  });

  it.each(['npm run nothing', 'node scripts/nothing.mjs', 'npm ci && npm nothing', '.ci/nothing'])(
    'would be refused with "%s"',
    (command) => {
      expect(problemsOf(command)).toHaveLength(1);
    },
  );
});

describe('the issue forms', () => {
  const names = readdirSync(join(PROJECT, '.github/ISSUE_TEMPLATE'));

  it.each(names)('%s has a name, a description and questions with labels', (name) => {
    const form = parsed(`.github/ISSUE_TEMPLATE/${name}`) as {
      name: string;
      description: string;
      body: readonly { type: string; id?: string; attributes: Record<string, string> }[];
    };
    expect([typeof form.name, typeof form.description]).toEqual(['string', 'string']);
    const questions = form.body.filter(({ type }) => type !== 'markdown');
    expect(questions.length).toBeGreaterThan(2);
    for (const { type, attributes } of questions) {
      expect(type).toMatch(/^(textarea|input|dropdown|checkboxes)$/);
      expect(attributes.label).toMatch(/\S/);
    }
    const ids = questions.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
