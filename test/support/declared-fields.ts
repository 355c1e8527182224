// SPDX-License-Identifier: MIT
// Options in the package's declarations: their fields, and the functions that accept
// them.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT } from './project.ts';

/** Types of parameters that are objects of options, by their suffix. */
const OPTIONS =
  /\b(?!ErrorOptions\b|OptionsFault\b)\w*(?:Options|Request|How|Settings|Faults?|Quirks|EndpointAccess|TlbiAddress|AtcInvalidation|SyncMsi|RequestEntry|DmaStream|SteStage[12]|ContextDescriptor|ModuleUrls|DeviceDescription)\b/;

/** Texts of all declaration files that entries may reach. */
export const DECLARATIONS = ['assembly', 'devices', 'host', 'vmm'].flatMap((folder) =>
  readdirSync(join(PROJECT, 'dist', folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.d.ts'))
    .map((file) => readFileSync(join(PROJECT, 'dist', folder, file), 'utf8')),
);
const TEXT = DECLARATIONS.join('\n').replace(/\/\*[\s\S]*?\*\//g, '');

/** Members of a body, each up to its final semicolon. */
function membersOf(body: string): string[] {
  const members: string[] = [];
  let depth = 0;
  let text = '';
  for (const character of body) {
    if ('{(['.includes(character)) depth++;
    if ('})]'.includes(character)) depth--;
    if (character === ';' && depth === 0) {
      members.push(text.trim());
      text = '';
    } else text += character;
  }
  return members;
}

/**
 * Type of each field of an interface, by name, including inherited ones; `=>` for a
 * method.
 */
export function fieldsOf(name: string): Map<string, string> {
  const found = new RegExp(
    `^export (?:declare )?interface ${name}(?:<[^{]*>)?(?: extends ([^{]*))? \\{([\\s\\S]*?)^\\}`,
    'm',
  ).exec(TEXT);
  if (!found) throw new Error(`no interface ${name} is declared`);
  const [, bases = '', body = ''] = found;
  const fields = new Map<string, string>();
  for (const [, omit, base = ''] of bases.matchAll(/(Omit<)?(\w+)(?:, '\w+'>)?/g))
    if (!omit && base !== 'AtsCapability') for (const one of fieldsOf(base)) fields.set(...one);
  for (const member of membersOf(body)) {
    const [, field, rest = ''] = /^(?:readonly )?(\w+)\??([\s\S]*)$/.exec(member) ?? [];
    if (field === undefined) continue;
    const type = rest.startsWith('(') || rest.startsWith('<') ? '=>' : rest.replace(/^:\s*/, '');
    fields.set(field, type.replace(/\s*\|\s*undefined\b/g, '').trim());
  }
  return fields;
}

/**
 * Exported functions, constructors and methods whose declarations mention such a type.
 */
export function functionsTaking(exported: Readonly<Record<string, unknown>>): string[] {
  const found: string[] = [];
  for (const file of DECLARATIONS) {
    const text = file.replace(/\/\*[\s\S]*?\*\//g, '');
    for (const [, name = '', parameters = ''] of text.matchAll(
      /^export declare function (\w+)[^(]*\(([\s\S]*?)\):/gm,
    ))
      if (OPTIONS.test(parameters)) found.push(name);
    for (const [, name = '', body = ''] of text.matchAll(
      /^export declare (?:abstract )?class (\w+)[^{]*\{([\s\S]*?)^\}/gm,
    ))
      for (const [, method = '', parameters = ''] of body.matchAll(
        /^ {4}(?:static )?(\w+)\(([\s\S]*?)\)[:;]/gm,
      ))
        if (OPTIONS.test(parameters))
          found.push(method === 'constructor' ? name : `${name}.${method}`);
  }
  return found.filter((name) => typeof exported[name.split('.')[0] ?? ''] === 'function');
}
