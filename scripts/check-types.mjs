#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Checks the package's types in users' projects: packed, installed in an empty folder,
// and compiled, including its own declarations, by the oldest TypeScript that it
// supports, a later one and the newest, for Node.js without the DOM's library and for a
// page, each with the library of ES2022 and of ES2024. Each entry is also compiled alone.
// docs/api.md states the minimum.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { install, pack } from './try-out.mjs';
import { LATER_PROJECTS, PROJECTS, SOURCES } from './type-projects.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TYPESCRIPTS = ['5.7', '5.9', '7.0'];
const { devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

/** @param {string} version */
function compiler(version) {
  const folder = join(ROOT, `node_modules/.cache/vsmmu/typescript-${version}`);
  const tsc = join(folder, 'node_modules/typescript/bin/tsc');
  if (!existsSync(tsc)) install(folder, [`typescript@~${version}.0`]);
  return tsc;
}

const minimum = TYPESCRIPTS[0] ?? '';
const page = readFileSync(join(ROOT, 'docs/api.md'), 'utf8').replace(/\s+/g, ' ');
if (!page.includes(`TypeScript ${minimum} or newer`))
  throw new Error(`docs/api.md does not say "TypeScript ${minimum} or newer"`);

const projects = { ...PROJECTS, ...LATER_PROJECTS };
/**
 * Each single entry is compiled without the DOM, where a declaration may lack something.
 */
const all = [...SOURCES.keys()];
const programs = TYPESCRIPTS.flatMap((version) =>
  Object.keys(projects).map((project) => ({ version, project, files: all })),
).concat(all.map((file) => ({ version: minimum, project: 'node', files: [file] })));

const folder = mkdtempSync(join(tmpdir(), 'vsmmu-types-'));
try {
  install(folder, [pack(folder), `@types/node@${devDependencies['@types/node']}`]);
  for (const [file, source] of SOURCES) writeFileSync(join(folder, file), source);
  for (const { version, project, files } of programs) {
    const config = JSON.stringify({ compilerOptions: projects[project], files });
    writeFileSync(join(folder, 'tsconfig.json'), config);
    const { stdout, status } = spawnSync(process.execPath, [compiler(version), '-p', '.'], {
      cwd: folder,
      encoding: 'utf8',
    });
    const what = `types, TypeScript ${version}, ${project}, ${files.length} files`;
    if (status !== 0) throw new Error(`${what} (${files[0]}):\n${stdout}`);
    console.log(what);
  }
} finally {
  rmSync(folder, { recursive: true });
}
