// SPDX-License-Identifier: MIT
// Checks that each room imports only the rooms that it may, and that there are no import
// cycles (docs/internals/architecture.md, "Layers"). `node scripts/check-imports.mjs
// [folder]` prints problems, one line each; part of `npm run lint`.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, posix } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { specifiersOf } from './imports.mjs';

/**
 * The rooms, and the rooms that each may import in addition to itself. A file belongs to
 * the first room whose folder contains it. A name covers the whole folder: 'devices'
 * covers 'devices/bus'.
 * @type {readonly (readonly [room: string, imports: readonly string[]])[]}
 */
const ROOMS = [
  ['assembly/layout', []],
  ['assembly', ['assembly/layout']],
  ['guest-driver', ['assembly/layout']],
  ['devices/plugin', ['assembly']],
  ['devices/bus', ['assembly', 'devices/plugin']],
  ['devices/testing', ['assembly', 'devices']],
  ['devices', ['assembly', 'devices']],
  ['host/iommufd', ['devices/plugin']],
  ['host/hardware', ['assembly', 'devices', 'host/iommufd']],
  ['host/kernel', ['assembly', 'devices', 'host/iommufd', 'host/hardware']],
  ['vmm/boot', ['devices/plugin']],
  ['vmm/vcpu', ['assembly', 'devices/plugin', 'devices/bus', 'devices/unit']],
  ['vmm/machine', ['assembly', 'devices/plugin', 'devices/bus', 'devices/unit', 'vmm/vcpu']],
  ['vmm/inspect', ['assembly', 'devices', 'host']],
  ['vmm/gdb', ['assembly', 'devices', 'vmm/vcpu', 'vmm/inspect']],
  ['vmm/nested', ['assembly', 'devices', 'host', 'vmm/inspect']],
  ['vmm/trace', ['assembly', 'devices', 'vmm/inspect']],
  ['vmm/threads', ['assembly', 'devices', 'host/kernel', 'vmm/vcpu', 'vmm/machine', 'vmm/nested']],
  [
    'vmm/boards',
    [
      'assembly',
      'devices',
      'host',
      'vmm/boot',
      'vmm/vcpu',
      'vmm/machine',
      'vmm/inspect',
      'vmm/nested',
      'vmm/threads',
    ],
  ],
  ['vmm/api', ['assembly', 'devices', 'host', 'vmm']],
  ['vmm/v86', ['assembly', 'devices', 'host', 'vmm/nested', 'vmm/api']],
  ['vmm/report', ['assembly', 'devices', 'host', 'vmm']],
  ['cli', ['assembly', 'devices', 'host', 'vmm', 'guest-driver']],
  ['demo', ['assembly', 'devices', 'host', 'vmm', 'guest-driver']],
  ['bench', ['assembly', 'devices', 'host', 'vmm', 'guest-driver']],
];

/** Helpers for tests of devices: no shipped code imports them, not even for a type. */
const FOR_TESTS = 'devices/testing';

/**
 * Rooms whose files are distinguished by their folder: the name of an AssemblyScript
 * import module is the name of its file.
 */
const NAMES_OF_THEIR_OWN = ['assembly/imports', 'bench/guest'];

/**
 * @param {string} folder
 * @param {string} file
 */
const isIn = (folder, file) => file === folder || file.startsWith(`${folder}/`);

/** @param {string} file */
const roomOf = (file) => ROOMS.find(([room]) => isIn(room, file));

/**
 * Source files of rooms below a folder, relative to it.
 * @param {string} root
 */
function sourceFiles(root) {
  const rooms = new Set(ROOMS.map(([room]) => room.split('/')[0] ?? ''));
  return [...rooms]
    .filter((room) => statSync(join(root, room), { throwIfNoEntry: false })?.isDirectory())
    .flatMap((room) =>
      readdirSync(join(root, room), { recursive: true, encoding: 'utf8' }).map((file) =>
        join(room, file),
      ),
    )
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'));
}

/**
 * The imports of a file: paths relative to the root, and names of packages.
 * @param {string} root
 * @param {string} file
 * @param {ReadonlySet<string>} files
 */
function importsOf(root, file, files) {
  return specifiersOf(readFileSync(join(root, file), 'utf8')).map((specifier) => {
    if (!specifier.startsWith('.')) return { target: specifier, isPackage: true };
    const path = posix.join(dirname(file), specifier);
    const target = [path, `${path}.ts`, `${path}/index.ts`].find((one) => files.has(one)) ?? path;
    return { target, isPackage: false };
  });
}

/**
 * The problem of an import, if there is one.
 * @param {string} file
 * @param {{ target: string, isPackage: boolean }} what
 * @returns {string | undefined}
 */
function misplaced(file, { target, isPackage }) {
  const [room, allowed] = roomOf(file) ?? ['', []];
  const ofRoom = roomOf(target)?.[0] === room;
  if (room === 'assembly/layout' && !ofRoom) return 'layout tables import nothing else';
  if (isPackage)
    return /^vsmmu(\/|$)/.test(target) && room !== 'demo' ? 'its own package' : undefined;
  // Its own folder, such as `new URL('..', import.meta.url)`, is not an import of code.
  if (/^[./]*$/.test(target)) return undefined;
  if (isIn(FOR_TESTS, target) && !ofRoom) return `${FOR_TESTS} is for tests`;
  if (ofRoom || allowed.some((one) => isIn(one, target))) return undefined;
  return `${room} may import ${allowed.join(', ') || 'nothing'}`;
}

/**
 * Import cycles: the strongly connected components of the graph with more than one file
 * (Tarjan).
 * @param {ReadonlyMap<string, readonly string[]>} graph
 */
function circlesOf(graph) {
  /** @type {Map<string, { index: number, low: number, open: boolean }>} */
  const seen = new Map();
  /** @type {string[]} */
  const stack = [];
  /** @type {string[][]} */
  const circles = [];
  /** @param {string} file */
  const visit = (file) => {
    const own = { index: seen.size, low: seen.size, open: true };
    seen.set(file, own);
    stack.push(file);
    for (const target of graph.get(file) ?? []) {
      const other = seen.get(target);
      if (!other) own.low = Math.min(own.low, visit(target).low);
      else if (other.open) own.low = Math.min(own.low, other.index);
    }
    if (own.low === own.index) {
      const part = stack.splice(stack.lastIndexOf(file));
      for (const one of part) Object.assign(seen.get(one) ?? {}, { open: false });
      if (part.length > 1) circles.push(part.sort());
    }
    return own;
  };
  for (const file of graph.keys()) if (!seen.has(file)) visit(file);
  return circles;
}

/**
 * All problems of the imports and file names of a tree, one line each; the first word of
 * a line is a file.
 * @param {string} root
 */
export function checkImports(root) {
  const list = sourceFiles(root).map((file) => file.split('\\').join('/'));
  const files = new Set(list);
  /** @type {string[]} */
  const problems = [];
  /** @type {Map<string, string[]>} */
  const graph = new Map();
  /** @type {Map<string, string>} */
  const names = new Map();
  for (const file of list.sort()) {
    const imports = importsOf(root, file, files);
    graph.set(
      file,
      imports.map(({ target }) => target).filter((target) => files.has(target)),
    );
    for (const one of imports) {
      const problem = misplaced(file, one);
      if (problem) problems.push(`${file} imports ${one.target}: ${problem}`);
    }
    const name = basename(file);
    if (name === 'index.ts' || NAMES_OF_THEIR_OWN.some((room) => isIn(room, file))) continue;
    const other = names.get(name);
    if (other) problems.push(`${file} has the name of ${other}`);
    names.set(name, file);
  }
  for (const circle of circlesOf(graph))
    problems.push(`${circle[0]} is in an import cycle: ${circle.join(', ')}`);
  return problems;
}

const [, program, root = fileURLToPath(new URL('..', import.meta.url))] = process.argv;
if (program && import.meta.url === pathToFileURL(program).href) {
  const problems = checkImports(root);
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
