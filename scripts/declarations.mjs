// SPDX-License-Identifier: MIT
// The declarations, imports and exports of TypeScript modules, as text without comments,
// private members and function bodies. Declarations (.d.ts) and AssemblyScript are read
// alike.

import { existsSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { parseSync } from 'vite';

/**
 * @typedef {object} Declaration
 * @property {string} text
 * @property {boolean} isValue Whether it exists at run time.
 * @property {ReadonlySet<string>} references Names in its text that the module may
 *   declare or import.
 * @property {string} kind The type of its syntax node, without "TS" and "Declaration".
 * @property {string} comment The documentation comment before it; empty without one.
 * @property {readonly Member[]} members Public members of a class, an interface or an
 *   object type.
 */

/**
 * @typedef {object} Member
 * @property {string} name Empty for a signature without a name.
 * @property {string} text
 * @property {string} comment
 */

/**
 * @typedef {object} Reference A name of another module.
 * @property {string} from The specifier.
 * @property {string} name
 * @property {boolean} typeOnly
 */

/**
 * @typedef {object} Module
 * @property {ReadonlyMap<string, readonly Declaration[]>} declared
 * @property {ReadonlyMap<string, Reference>} imported By the local name.
 * @property {ReadonlyMap<string, Reference | { local: string, typeOnly: boolean }>}
 *   exported
 * @property {readonly { from: string, typeOnly: boolean }[]} stars
 */

/** @typedef {readonly [start: number, end: number, instead: string]} Cut */

/** Parts of a node with names that refer to nothing outside of the node. */
const OWN_NAMES = new Set(['id', 'label', 'parameterName', 'property']);
const TYPES = new Set(['TSInterfaceDeclaration', 'TSTypeAliasDeclaration']);

/** @param {any} node */
const isPrivate = (node) =>
  node.key?.type === 'PrivateIdentifier' ||
  (node.accessibility === 'private' && node.kind !== 'constructor');

/**
 * Calls a function for a node and its descendants, except for descendants of nodes for
 * which it returns true.
 * @param {any} node
 * @param {(node: any) => boolean} visit whether to skip the node's descendants.
 */
function walk(node, visit) {
  if (node === null || typeof node !== 'object') return;
  if (Array.isArray(node)) {
    for (const one of node) walk(one, visit);
    return;
  }
  if (typeof node.type !== 'string' || visit(node)) return;
  for (const [part, value] of Object.entries(node)) {
    if (OWN_NAMES.has(part) && !node.computed) continue;
    if (part === 'key' && !node.computed) continue;
    if (part === 'name' && node.type === 'TSTypeParameter') continue;
    walk(value, visit);
  }
}

/** Reads the statements of a module's text one by one. */
class ModuleReader {
  /** @type {Map<string, Declaration[]>} */
  declared = new Map();
  /** @type {Map<string, Reference>} */
  imported = new Map();
  /** @type {Map<string, Reference | { local: string, typeOnly: boolean }>} */
  exported = new Map();
  /** @type {{ from: string, typeOnly: boolean }[]} */
  stars = [];
  #file;
  #text;
  /** @type {any[]} */
  #comments;

  /**
   * @param {string} file
   * @param {string} text
   */
  constructor(file, text) {
    this.#file = file;
    // AssemblyScript has decorators before functions, where TypeScript has none.
    this.#text = text.replace(/^@\w+(\(.*\))?$/gm, (decorator) => ' '.repeat(decorator.length));
    const { program, comments, errors } = parseSync(file, this.#text);
    if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`);
    this.#comments = comments;
    for (const statement of program.body) this.#read(statement);
  }

  /** @param {any} statement */
  #read(statement) {
    const from = statement.source?.value;
    const typeOnly = (statement.importKind ?? statement.exportKind) === 'type';
    switch (statement.type) {
      case 'ImportDeclaration':
        for (const { local, imported, importKind } of statement.specifiers)
          this.imported.set(local.name, {
            from,
            name: imported?.name ?? '*',
            typeOnly: typeOnly || importKind === 'type',
          });
        return;
      case 'ExportAllDeclaration':
        if (statement.exported) throw new Error(`${this.#file} exports a namespace`);
        this.stars.push({ from, typeOnly });
        return;
      case 'ExportNamedDeclaration':
        if (statement.declaration)
          for (const name of this.#declare(statement.declaration))
            this.exported.set(name, { local: name, typeOnly: false });
        for (const { local, exported, exportKind } of statement.specifiers)
          this.exported.set(exported.name, {
            ...(from === undefined ? { local: local.name } : { from, name: local.name }),
            typeOnly: typeOnly || exportKind === 'type',
          });
        return;
      case 'ExportDefaultDeclaration':
        throw new Error(`${this.#file} has a default export`);
      default:
        if (statement.id || statement.declarations) this.#declare(statement);
    }
  }

  /**
   * @param {any} node
   * @returns {string[]} the names that it declares.
   */
  #declare(node) {
    const names = (node.declarations ?? [node]).map((/** @type {any} */ one) => one.id.name);
    const cuts = this.#cutsOf(node);
    const declaration = {
      text: this.#textOf(node, cuts),
      isValue: !TYPES.has(node.type),
      references: this.#referencesOf(node, cuts),
      kind: node.type.replace(/^TS|Declaration$/g, ''),
      comment: this.#commentBefore(node.start),
      members: this.#membersOf(node, cuts),
    };
    for (const name of names)
      this.declared.set(name, [...(this.declared.get(name) ?? []), declaration]);
    return names;
  }

  /**
   * The parts of a declaration that are not public.
   * @param {any} node
   * @returns {Cut[]}
   */
  #cutsOf(node) {
    /** @type {Cut[]} */
    const cuts = this.#comments
      .filter(({ start, end }) => start >= node.start && end <= node.end)
      .map(({ start, end }) => [start, end, '']);
    walk(node, (part) => {
      if (part.body?.type === 'BlockStatement') cuts.push([part.body.start, part.body.end, ';']);
      if (part.type !== 'ClassBody') return false;
      for (const member of part.body)
        if (isPrivate(member) || this.#isInternal(member))
          cuts.push([member.start, member.end, '']);
      return false;
    });
    return cuts.sort(([a], [b]) => a - b);
  }

  /** @param {any} member */
  #isInternal(member) {
    return this.#commentBefore(member.start).includes('@internal');
  }

  /**
   * The documentation comment that ends where a node, or its statement, starts.
   * @param {number} start
   */
  #commentBefore(start) {
    const comment = this.#comments.findLast(({ end }) => end <= start);
    if (!comment?.value.startsWith('*')) return '';
    const between = this.#text.slice(comment.end, start);
    if (!/^\s*(?:export\s+)?(?:declare\s+)?$/.test(between)) return '';
    return comment.value
      .replace(/^\*?\s*\* ?/gm, '')
      .replace(/^\*/, '')
      .trim();
  }

  /**
   * @param {any} node
   * @param {readonly Cut[]} cuts in order.
   * @returns {Member[]}
   */
  #membersOf(node, cuts) {
    const { body, typeAnnotation } = node;
    const nodes = body?.type === 'BlockStatement' ? [] : (body?.body ?? typeAnnotation?.members);
    return (nodes ?? [])
      .filter((/** @type {any} */ member) => !isPrivate(member) && !this.#isInternal(member))
      .map((/** @type {any} */ member) => ({
        name: member.kind === 'constructor' ? 'constructor' : (member.key?.name ?? ''),
        text: this.#textOf(member, cuts),
        comment: this.#commentBefore(member.start),
      }));
  }

  /**
   * @param {any} node
   * @param {readonly Cut[]} cuts in order.
   */
  #textOf(node, cuts) {
    let text = '';
    let at = node.start;
    for (const [start, end, instead] of cuts) {
      if (start < at || end > node.end) continue;
      text += this.#text.slice(at, start) + instead;
      at = end;
    }
    return (text + this.#text.slice(at, node.end))
      .replace(/^declare /, '')
      .replace(/\s+;/g, ';')
      .split('\n')
      .map((line) => line.trimEnd())
      .filter((line) => line !== '')
      .join('\n');
  }

  /**
   * @param {any} node
   * @param {readonly Cut[]} cuts
   */
  #referencesOf(node, cuts) {
    /** @type {Set<string>} */
    const names = new Set();
    walk(node, (part) => {
      if (cuts.some(([start, end]) => part.start >= start && part.end <= end)) return true;
      if (part.type === 'TSImportType') names.add(this.#importedInPlace(part));
      if (part.type === 'Identifier') names.add(part.name);
      return false;
    });
    return names;
  }

  /**
   * Treats `import('…').Name` like an import at the module's beginning.
   * @param {any} node
   * @returns {string} the replacement for the local name.
   */
  #importedInPlace({ source, qualifier }) {
    const name = qualifier?.name;
    if (name === undefined) throw new Error(`${this.#file}: import() of a whole module`);
    const local = `import('${source.value}').${name}`;
    this.imported.set(local, { from: source.value, name, typeOnly: true });
    return local;
  }
}

/**
 * @typedef {object} Place Where a name is declared.
 * @property {string} file
 * @property {string} name
 * @property {boolean} typeOnly
 */

/** Modules below a folder, each read once. */
export class Modules {
  #root;
  /** @type {Map<string, Module>} */
  #read = new Map();

  /** @param {string} root */
  constructor(root) {
    this.#root = root;
  }

  /**
   * @param {string} file relative to the root.
   * @returns {Module}
   */
  #module(file) {
    const known = this.#read.get(file);
    if (known) return known;
    const module = new ModuleReader(file, readFileSync(posix.join(this.#root, file), 'utf8'));
    this.#read.set(file, module);
    return module;
  }

  /**
   * The file that a specifier refers to; undefined for a package.
   * @param {string} file
   * @param {string} specifier
   */
  #target(file, specifier) {
    if (!specifier.startsWith('.')) return undefined;
    const path = posix.join(posix.dirname(file), specifier);
    const files = [path.replace(/\.[tj]s$/, '.d.ts'), `${path}.ts`, `${path}/index.ts`];
    const target = files.find(
      (one) => one.endsWith('.ts') && existsSync(posix.join(this.#root, one)),
    );
    if (!target) throw new Error(`${file} imports ${specifier}, which is not there`);
    return target;
  }

  /**
   * The origin of a name that a module declares or imports; undefined when it does
   * neither, or when the name comes from a package.
   * @param {string} file
   * @param {string} name
   * @returns {Place | undefined}
   */
  placeOf(file, name) {
    const module = this.#module(file);
    if (module.declared.has(name)) return { file, name, typeOnly: false };
    const reference = module.imported.get(name);
    return reference && this.#resolve(file, reference);
  }

  /**
   * @param {string} file
   * @param {Reference} reference
   * @returns {Place | undefined}
   */
  #resolve(file, { from, name, typeOnly }) {
    const target = this.#target(file, from);
    if (target === undefined) return undefined;
    if (name === '*') throw new Error(`${file} imports all of ${from} as a namespace`);
    const place = this.exportsOf(target).get(name);
    if (!place) throw new Error(`${file} imports ${name}, which ${from} does not export`);
    return { ...place, typeOnly: typeOnly || place.typeOnly };
  }

  /**
   * The exports of a module, by name.
   * @param {string} file
   * @returns {Map<string, Place>}
   */
  exportsOf(file) {
    const { exported, stars } = this.#module(file);
    /** @type {Map<string, Place>} */
    const places = new Map();
    for (const { from, typeOnly } of stars) {
      const target = this.#target(file, from);
      if (target === undefined) throw new Error(`${file} exports all of ${from}`);
      for (const [name, place] of this.exportsOf(target))
        places.set(name, { ...place, typeOnly: typeOnly || place.typeOnly });
    }
    for (const [name, what] of exported) {
      const place = 'local' in what ? this.placeOf(file, what.local) : this.#resolve(file, what);
      if (!place) throw new Error(`${file} exports ${name}, which comes from a package`);
      places.set(name, { ...place, typeOnly: what.typeOnly || place.typeOnly });
    }
    return places;
  }

  /**
   * The declarations of a name, in order: overloads and merged declarations.
   * @param {Place} place
   * @returns {readonly Declaration[]}
   */
  declarationsOf({ file, name }) {
    return this.#module(file).declared.get(name) ?? [];
  }
}
