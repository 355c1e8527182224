// SPDX-License-Identifier: MIT
// Generated mutants: every place in the sources where a simple operator applies, and
// samples of them. TypeScript 7 has no parser API, so Vite's parser is used, which also
// reads AssemblyScript.

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parseSync } from 'vite';

/** Folders of the sources to mutate. */
export const ROOMS = ['devices', 'host', 'vmm', 'guest-driver', 'assembly'];
/** Tests of code whose folder has no test folder of the same name. */
const ELSEWHERE = new Map([
  ['assembly/layout', 'test/layout'],
  ['assembly/arm64', 'test/arm64'],
  ['assembly/gicv3', 'test/devices/gicv3'],
  ['assembly/amd-iommu', 'test/host/kernel/amd'],
  ['devices/testing', 'test/devices/contract'],
  ['devices/vtd', 'test/vmm/nested/vtd'],
  ['vmm/api', 'test/api'],
  ['vmm/vcpu/arm64/translator', 'test/arm64'],
]);

/**
 * @typedef {object} Place
 * @property {string} file Relative to the root.
 * @property {number} line From 1.
 * @property {string} operator A key of OPERATORS.
 * @property {number} start Offset of the original in the file, in UTF-16 units.
 * @property {string} original
 * @property {string} mutant The replacement.
 */

/** @typedef {{ type: string, start: number, end: number, [name: string]: any }} Node */
/** @typedef {readonly [node: Node, mutant: string]} Change */

/**
 * Comparisons and their replacements: the bound moves by one, or the result is inverted.
 */
const COMPARISONS = new Map([
  ['<', '<='],
  ['<=', '<'],
  ['>', '>='],
  ['>=', '>'],
  ['==', '!='],
  ['!=', '=='],
  ['===', '!=='],
  ['!==', '==='],
]);
const LOGICAL = new Map([
  ['&&', '||'],
  ['||', '&&'],
]);

/**
 * The changes that each operator makes to a node.
 * @type {Readonly<Record<string, (node: Node, text: string) => readonly Change[]>>}
 */
const OPERATORS = {
  comparison: (node, text) => exchange(node, text, COMPARISONS),
  logical: (node, text) => exchange(node, text, LOGICAL),
  constant: (node, text) => {
    if (node.type !== 'Literal') return [];
    const raw = text.slice(node.start, node.end);
    if (typeof node.value === 'number') return [`${raw} + 1`, `${raw} - 1`].map(inside(node));
    if (typeof node.value === 'bigint') return [`${raw} + 1n`, `${raw} - 1n`].map(inside(node));
    return [];
  },
  call: (node) =>
    node.type === 'ExpressionStatement' && isCall(node.expression) ? [[node, ';']] : [],
  condition: (node, text) =>
    node.type === 'IfStatement' || node.type === 'ConditionalExpression'
      ? [[node.test, `!(${text.slice(node.test.start, node.test.end)})`]]
      : [],
  return: (node) =>
    node.type === 'IfStatement' && !node.alternate && isReturn(node.consequent)
      ? [[node, ';']]
      : [],
};

/** @param {Node} node @returns {(code: string) => Change} */
const inside = (node) => (code) => [node, `(${code})`];

/** @param {Node} expression */
function isCall(expression) {
  const { type, callee } = expression.type === 'AwaitExpression' ? expression.argument : expression;
  return type === 'CallExpression' && callee.type !== 'Super';
}

/** @param {Node} statement */
function isReturn(statement) {
  const only =
    statement.type === 'BlockStatement' && statement.body.length === 1
      ? statement.body[0]
      : statement;
  return only.type === 'ReturnStatement';
}

/**
 * Replaces a binary operator between its operands.
 * @param {Node} node
 * @param {string} text
 * @param {ReadonlyMap<string, string>} others
 * @returns {readonly Change[]}
 */
function exchange({ left, right, operator }, text, others) {
  const other = others.get(operator);
  if (other === undefined || !left || !right) return [];
  const between = blankComments(text.slice(left.end, right.start));
  const start = left.end + between.indexOf(operator);
  return [[{ type: 'operator', start, end: start + operator.length }, other]];
}

/** @param {string} code */
const blankComments = (code) =>
  code.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, (comment) => ' '.repeat(comment.length));

/**
 * Wrappers of types around an expression; every other node of TypeScript's own is only a
 * type.
 */
const CASTS = [
  'TSAsExpression',
  'TSNonNullExpression',
  'TSSatisfiesExpression',
  'TSTypeAssertion',
  'TSInstantiationExpression',
];

/**
 * The executed nodes, in the order of the text: no types, no imports, no names of
 * properties, and no messages (templates, and what is thrown).
 * @param {Node} node
 * @param {(node: Node) => void} visit
 */
function walk(node, visit) {
  const isType = node.type.startsWith('TS') && !CASTS.includes(node.type);
  const isMessage = ['TemplateLiteral', 'ThrowStatement', 'ImportDeclaration'].includes(node.type);
  if (isType || isMessage) return;
  visit(node);
  for (const [name, child] of Object.entries(node)) {
    const named = ['Property', 'PropertyDefinition', 'MethodDefinition'].includes(node.type);
    if (name === 'key' && named && !node.computed) continue;
    for (const each of Array.isArray(child) ? child : [child])
      if (typeof each?.type === 'string') walk(each, visit);
  }
}

/**
 * Whether a source can be read.
 * @param {string} file
 * @param {string} text
 */
export function parses(file, text) {
  return parseSync(file, text).errors.length === 0;
}

/**
 * All mutants of a source.
 * @param {string} file
 * @param {string} text
 * @returns {Place[]}
 */
export function placesOf(file, text) {
  /** @type {Place[]} */
  const places = [];
  const program = /** @type {Node} */ (/** @type {unknown} */ (parseSync(file, text).program));
  walk(program, (node) => {
    for (const [operator, changes] of Object.entries(OPERATORS)) {
      for (const [{ start, end }, mutant] of changes(node, text)) {
        const line = text.slice(0, start).split('\n').length;
        places.push({ file, line, operator, start, original: text.slice(start, end), mutant });
      }
    }
  });
  return places;
}

/**
 * The source with a mutant in it.
 * @param {string} text
 * @param {Pick<Place, 'start' | 'original' | 'mutant'>} place
 */
export function applied(text, { start, original, mutant }) {
  if (!text.startsWith(original, start)) throw new Error(`"${original}" is not at ${start}`);
  return text.slice(0, start) + mutant + text.slice(start + original.length);
}

/**
 * Names a mutant by its change and the line's text, not by the line number, which changes
 * above it may move.
 * @param {Place} place
 * @param {string} text
 */
const nameOf = ({ file, operator, original, mutant }, text) =>
  [file, operator, original, mutant, text].join('\0');

/**
 * A sample of the mutants of a tree, with equal numbers for each operator. A seed
 * determines the order of an operator's mutants, of which the first are chosen: a larger
 * sample contains the smaller one, and a change elsewhere in the tree moves none.
 * @param {string} root
 * @param {readonly string[]} files
 * @param {{ sample: number, seed: number }} options
 * @returns {Place[]}
 */
export function drawMutants(root, files, { sample, seed }) {
  /** @type {Map<string, (readonly [order: string, place: Place])[]>} */
  const drawn = new Map(Object.keys(OPERATORS).map((operator) => [operator, []]));
  for (const file of files) {
    const text = readFileSync(join(root, file), 'utf8');
    const lines = text.split('\n');
    /** @type {Map<string, number>} */
    const seen = new Map();
    for (const place of placesOf(file, text)) {
      const name = nameOf(place, lines[place.line - 1] ?? '');
      const count = seen.get(name) ?? 0;
      seen.set(name, count + 1);
      const order = createHash('sha256').update(`${seed}\0${name}\0${count}`).digest('hex');
      drawn.get(place.operator)?.push([order, place]);
    }
  }
  return [...drawn.values()]
    .flatMap((places) =>
      places
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .slice(0, sample)
        .map(([order, place], rank) => ({ order, place, rank })),
    )
    .sort((a, b) => a.rank - b.rank || (a.order < b.order ? -1 : 1))
    .slice(0, sample)
    .map(({ place }) => place);
}

/**
 * The test folder that mirrors the source's folder, or the nearest one above it. For a
 * device also the contract suites, which run every device.
 * @param {string} root
 * @param {string} file
 * @returns {string[]} Folders, which end with a slash, and files.
 */
export function nearestTests(root, file) {
  for (let folder = dirname(file); folder !== '.'; folder = dirname(folder)) {
    const tests = ELSEWHERE.get(folder) ?? `test/${folder}`;
    if (!existsSync(join(root, tests))) continue;
    const contracts = file.startsWith('devices/') ? contractSuites(root) : [];
    return [`${tests}/`, ...contracts.filter((suite) => !suite.startsWith(`${tests}/`))];
  }
  throw new Error(`no tests for ${file}`);
}

/** The suites that check the rules of all devices. @param {string} root */
const contractSuites = (root) =>
  testsIn(root, 'test/devices/').filter((name) => basename(name) === 'contract.slow.test.ts');

/**
 * The test files in a folder, by their paths from the root.
 * @param {string} root
 * @param {string} folder
 */
const testsIn = (root, folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => `${folder}${name.replaceAll('\\', '/')}`)
    .sort();

/**
 * Whether tests import the package, so that they see changes of TypeScript in dist/ only.
 * @param {string} root
 * @param {readonly string[]} tests Folders, which end with a slash, and files.
 */
export function needsDist(root, tests) {
  return tests
    .flatMap((path) => (path.endsWith('/') ? testsIn(root, path) : [path]))
    .some((path) => /from 'vsmmu[/']/.test(readFileSync(join(root, path), 'utf8')));
}
