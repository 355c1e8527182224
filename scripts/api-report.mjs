#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// The public surface of the package as text, by import name: every name with its
// signature, from the declarations in dist/. It is committed, so that reviews show
// changes of the surface.
//
// `node scripts/api-report.mjs` writes docs/internals/api-report.txt; with `--check` it
// prints the differences between the file and the built package, and exits with 1.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Modules } from './declarations.mjs';

/** @import { Place } from './declarations.mjs' */

const ROOT = fileURLToPath(new URL('..', import.meta.url));
export const REPORT = 'docs/internals/api-report.txt';
const UPDATE = 'npm run api:report';
const SHOWN_LINES = 40;

const HEAD = `Made by scripts/api-report.mjs from the declarations in dist/: ${UPDATE}

What each import name of the package exports. A name that another import name has as well is
printed there. "type" stands before a class or function of which only the type is exported.
`;

/**
 * The paths that match a pattern with one star, and the text that the star matches.
 * @param {string} pattern
 * @param {readonly string[]} paths
 * @returns {(readonly [path: string, star: string])[]}
 */
function matches(pattern, paths) {
  const [before = '', after] = pattern.split('*');
  if (after === undefined) return [[pattern, '']];
  return paths
    .filter((path) => path.startsWith(before) && path.endsWith(after))
    .map((path) => [path, path.slice(before.length, path.length - after.length)]);
}

/**
 * Import names with the file of their types, or with the file itself.
 * @param {Readonly<Record<string, string | { types?: string }>>} exports of package.json.
 * @param {readonly string[]} packed paths of the package's files.
 */
export function entriesOf(exports, packed) {
  return Object.entries(exports).flatMap(([key, entry]) => {
    const target = typeof entry === 'string' ? entry : entry.types;
    if (target === undefined) throw new Error(`the export ${key} has no types`);
    return matches(target.slice(2), packed).map(([file, star]) => ({
      name: posix.join('vsmmu', key.replace('*', star)),
      file,
      isModule: typeof entry !== 'string',
    }));
  });
}

/** @param {Place} place */
export const idOf = ({ file, name }) => `${file} ${name}`;

/**
 * The order of code units, which is the same everywhere.
 * @param {string} a
 * @param {string} b
 */
export const compare = (a, b) => (a === b ? 0 : a < b ? -1 : 1);

/** A report under construction. */
class Report {
  #modules;
  /** Where each declaration is printed. @type {Map<string, string>} */
  #printed = new Map();
  /** @type {Place[]} */
  #places = [];

  /** @param {Modules} modules */
  constructor(modules) {
    this.#modules = modules;
  }

  /**
   * What an import name exports.
   * @param {string} importName
   * @param {string} file
   */
  section(importName, file) {
    const names = [...this.#modules.exportsOf(file)]
      .sort(([a], [b]) => compare(a, b))
      .map(([name, place]) => this.#entry(importName, name, place));
    return `## ${importName}\n\n${names.join('\n')}\n`;
  }

  /**
   * @param {string} importName
   * @param {string} name
   * @param {Place} place
   */
  #entry(importName, name, place) {
    const declarations = this.#modules.declarationsOf(place);
    const type = place.typeOnly && declarations.some(({ isValue }) => isValue) ? 'type ' : '';
    const printed = this.#printed.get(idOf(place));
    if (printed !== undefined) return `${type}${name}: ${printed}`;
    this.#printed.set(idOf(place), importName);
    this.#places.push(place);
    const renamed = name === place.name ? '' : `${name}: `;
    return declarations.map(({ text }) => `${type}${renamed}${text}`).join('\n');
  }

  /**
   * The declarations that signatures name and no import name exports: users have values
   * of them all the same.
   */
  rest() {
    /** @type {(readonly [name: string, text: string])[]} */
    const texts = [];
    // The loop also visits the places that it adds for names in declarations.
    for (const place of this.#places)
      for (const { references } of this.#modules.declarationsOf(place))
        for (const reference of references) {
          const found = this.#modules.placeOf(place.file, reference);
          if (found === undefined || this.#printed.has(idOf(found))) continue;
          this.#printed.set(idOf(found), '');
          this.#places.push(found);
          for (const { text } of this.#modules.declarationsOf(found))
            texts.push([found.name, text]);
        }
    const sorted = texts.toSorted(([a], [b]) => compare(a, b)).map(([, text]) => text);
    return `## named by signatures, exported by none of these\n\n${sorted.join('\n')}\n`;
  }
}

/**
 * @param {string} root of a built package.
 * @param {readonly string[]} packed paths of the files that the package has.
 */
export function apiReport(root, packed) {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const entries = entriesOf(exports, packed.toSorted());
  const report = new Report(new Modules(root));
  const modules = entries.filter(({ isModule }) => isModule);
  const files = entries.filter(({ isModule }) => !isModule).map(({ name }) => name);
  const sections = modules.map(({ name, file }) => report.section(name, file));
  return [HEAD, ...sections, report.rest(), `## files\n\n${files.join('\n')}\n`].join('\n');
}

/**
 * The differences between a report and the committed one, one fact per line; empty
 * without differences.
 * @param {string} committed
 * @param {string} report
 * @returns {string[]}
 */
export function differences(committed, report) {
  if (committed === report) return [];
  const before = committed.split('\n');
  const after = report.split('\n');
  const [old, present] = [new Set(before), new Set(after)];
  const lines = [
    ...before.filter((line) => !present.has(line)).map((line) => `- ${line}`),
    ...after.filter((line) => !old.has(line)).map((line) => `+ ${line}`),
  ];
  const more = lines.length - SHOWN_LINES;
  return [
    `the public surface is not what ${REPORT} says; if it is meant to change: ${UPDATE}`,
    ...lines.slice(0, SHOWN_LINES),
    ...(more > 0 ? [`… and ${more} lines more`] : []),
    ...(lines.length === 0 ? ['the order of its lines has changed'] : []),
  ];
}

/**
 * Paths of the files that the package has.
 * @param {string} root
 * @returns {string[]}
 */
export function packedFiles(root) {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const [packed] = JSON.parse(execFileSync('npm', args, { cwd: root, encoding: 'utf8' }));
  return packed.files.map((/** @type {{ path: string }} */ { path }) => path);
}

/** The report of this package, from the current contents of dist/. */
export const ownReport = () => apiReport(ROOT, packedFiles(ROOT));

const [, program] = process.argv;
if (program && import.meta.url === pathToFileURL(program).href) {
  const { values } = parseArgs({ options: { check: { type: 'boolean' } } });
  if (values.check) {
    const lines = differences(readFileSync(join(ROOT, REPORT), 'utf8'), ownReport());
    for (const line of lines) console.error(line);
    process.exitCode = lines.length > 0 ? 1 : 0;
  } else writeFileSync(join(ROOT, REPORT), ownReport());
}
