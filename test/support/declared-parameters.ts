// SPDX-License-Identifier: MIT
// Parameters in the package's declarations: of functions, constructors, methods and
// setters.

import { DECLARATIONS } from './declared-fields.ts';

/** A parameter of a public function. */
export interface Parameter {
  /** Empty for a destructured one. */
  readonly name: string;
  readonly type: string;
  readonly isOptional: boolean;
}

/** Splits at commas outside brackets. */
function partsOf(list: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let text = '';
  for (const [i, character] of [...list].entries()) {
    const isArrow = character === '>' && list[i - 1] === '=';
    if ('{([<'.includes(character)) depth++;
    if ('})]>'.includes(character) && !isArrow) depth--;
    if (character === ',' && depth === 0) {
      parts.push(text);
      text = '';
    } else text += character;
  }
  return [...parts, text].map((part) => part.trim()).filter((part) => part !== '');
}

function parameterOf(text: string): Parameter {
  const [, name = '', optional = '', type = ''] =
    /^(?:\.\.\.)?(\w+|\{[^}]*\})(\??):\s*([\s\S]*)$/.exec(text) ?? [];
  return {
    name: name.startsWith('{') ? '' : name,
    type: type.replace(/\s+/g, ' '),
    isOptional: optional === '?' || text.startsWith('...') || /\| undefined$/.test(type),
  };
}

const COMMENTS = /\/\*[\s\S]*?\*\//g;
const FUNCTION = /^export declare function (\w+)(?:<[\s\S]*?>)?\(([\s\S]*?)\):/gm;
const CLASS = /^export declare (?:abstract )?class (\w+)[^{]*\{([\s\S]*?)^\}/gm;
const METHOD = /^ {4}(?:static |set )?(\w+)(?:<[^(]*>)?\(([\s\S]*?)\)[:;]/gm;

/**
 * Exported functions, and constructors (by the class's name) and methods (`Class.method`)
 * of exported classes, with parameters.
 */
export function declaredParameters(
  exported: Readonly<Record<string, unknown>>,
): Map<string, readonly Parameter[]> {
  const found = new Map<string, readonly Parameter[]>();
  const add = (name: string, list: string) => {
    const parameters = partsOf(list).map(parameterOf);
    // Higher rooms have functions of their own with the same name; the package exports
    // the lowest.
    if (parameters.length > 0 && !found.has(name)) found.set(name, parameters);
  };
  for (const text of DECLARATIONS.map((file) => file.replace(COMMENTS, ''))) {
    for (const [, name = '', list = ''] of text.matchAll(FUNCTION))
      if (typeof exported[name] === 'function') add(name, list);
    for (const [, name = '', body = ''] of text.matchAll(CLASS)) {
      if (typeof exported[name] !== 'function') continue;
      for (const [, method = '', list = ''] of body.matchAll(METHOD))
        add(method === 'constructor' ? name : `${name}.${method}`, list);
    }
  }
  return found;
}
