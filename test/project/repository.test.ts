// SPDX-License-Identifier: MIT
// Files for editors, package managers and hosted CI agree with the settings of the
// project's own tools, and name exact versions.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import biome from '../../biome.json' with { type: 'json' };
import manifest from '../../package.json' with { type: 'json' };
import template from '../../templates/as/package.json' with { type: 'json' };
import { PROJECT } from '../support/project.ts';

const textOf = (path: string) => readFileSync(join(PROJECT, path), 'utf8');
const EXACT = /^\d+\.\d+\.\d+$/;
const node = textOf('.nvmrc').trim();
const workflow = textOf('.github/workflows/ci.yml');

/** Settings of .editorconfig by section; lines before the first section have none. */
function editorConfig(): Map<string, Record<string, string>> {
  const sections = new Map<string, Record<string, string>>();
  let settings: Record<string, string> = {};
  for (const line of textOf('.editorconfig').split('\n')) {
    const [, section] = /^\[(.*)\]$/.exec(line) ?? [];
    const [, name, value = ''] = /^(\w+) = (.*)$/.exec(line) ?? [];
    if (section !== undefined) {
      settings = {};
      sections.set(section, settings);
    } else if (name !== undefined) settings[name] = value;
  }
  return sections;
}

it(".editorconfig has Biome's settings", () => {
  const { indentStyle, indentWidth, lineWidth } = biome.formatter;
  expect(editorConfig().get('*')).toEqual({
    charset: 'utf-8',
    end_of_line: 'lf',
    indent_style: indentStyle,
    indent_size: String(indentWidth),
    insert_final_newline: 'true',
    max_line_length: String(lineWidth),
    trim_trailing_whitespace: 'true',
  });
  expect(editorConfig().get('Makefile')).toEqual({ indent_style: 'tab' });
});

describe('tools', () => {
  it.each(Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }))(
    '%s has an exact version: %s',
    (_, version) => {
      expect(version).toMatch(EXACT);
    },
  );

  it('that belong together have one version', () => {
    const { devDependencies } = manifest;
    expect(devDependencies['@vitest/coverage-v8']).toBe(devDependencies.vitest);
    expect(template.devDependencies.assemblyscript).toBe(devDependencies.assemblyscript);
  });

  it('that scripts install on first use have exact versions', () => {
    const installed = readdirSync(join(PROJECT, 'scripts'))
      .filter((name) => name.endsWith('.mjs'))
      .flatMap((name) => [...textOf(`scripts/${name}`).matchAll(/'(?:@[\w-]+\/)?[\w-]+@([^']*)'/g)])
      .map(([, version = '']) => version);
    expect(installed.length).toBeGreaterThan(2);
    expect(installed.filter((version) => !EXACT.test(version))).toEqual([]);
  });

  it('run in a Node.js that the package supports, whose version is everywhere the same', () => {
    const [, major, minor] = /^>=(\d+)\.(\d+)$/.exec(manifest.engines.node) ?? [];
    const [ownMajor, ownMinor] = node.split('.').map(Number);
    expect(node).toMatch(EXACT);
    expect(ownMajor).toBe(Number(major));
    expect(ownMinor).toBeGreaterThanOrEqual(Number(minor));
    const images = [...workflow.matchAll(/node:(\S+)-bookworm/g)].map(([, version]) => version);
    expect(new Set(images)).toEqual(new Set([node]));
    expect(manifest.devDependencies['@types/node']).toMatch(new RegExp(`^${major}\\.`));
  });
});

describe('hosted CI', () => {
  const entries = workflow.split(/^ {10}- name: /m).slice(1);

  it('runs .ci/run on linux-x64; untried entries are marked as such, and may fail', () => {
    const [first = '', ...others] = entries;
    expect(first).toMatch(/^linux-x64\n[\s\S]* run: \.ci\/run\n[\s\S]* untried: false\n/);
    expect(others).toHaveLength(3);
    for (const entry of others) {
      expect(entry).toMatch(/^(linux-arm64|macOS|Windows) \(untried\)\n/);
      expect(entry).toMatch(/ untried: true\n/);
    }
    expect(workflow).toMatch(/ continue-on-error: \$\{\{ matrix\.untried \}\}\n/);
  });

  it('checks the messages of the commits that are pushed or proposed', () => {
    expect(workflow).toMatch(
      / BASE: \$\{\{ github\.event\.pull_request\.base\.sha \|\| github\.event\.before \}\}\n/,
    );
    expect(workflow).toMatch(/ node scripts\/check-commits\.mjs \$\{BASE:\+--base "\$BASE"\}\n/);
  });

  it('uses actions by the hash of a commit, with few rights', () => {
    const actions = [...workflow.matchAll(/uses: (.*)/g)].map(([, action]) => action);
    expect(actions.length).toBeGreaterThan(2);
    for (const action of actions) expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v[\d.]+$/);
    expect(workflow).toMatch(/^permissions:\n {2}contents: read\n\n/m);
  });
});

it('nothing names a place that does not exist: no repository, home page or bug address', () => {
  expect(Object.keys(manifest)).not.toEqual(
    expect.arrayContaining([expect.stringMatching(/^(repository|homepage|bugs)$/)]),
  );
  const forms = readdirSync(join(PROJECT, '.github/ISSUE_TEMPLATE')).map(
    (name) => `.github/ISSUE_TEMPLATE/${name}`,
  );
  expect(forms.length).toBeGreaterThan(1);
  for (const file of [...forms, '.github/PULL_REQUEST_TEMPLATE.md']) {
    expect(textOf(file), file).not.toMatch(/https?:|TODO|TBD|example\.com/);
    for (const [path] of textOf(file).matchAll(/\b(?:docs\/[\w/.-]+|[A-Z]+\.md)\b/g))
      expect(existsSync(join(PROJECT, path)), `${path} in ${file}`).toBe(true);
  }
});
