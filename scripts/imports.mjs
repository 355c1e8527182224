// SPDX-License-Identifier: MIT
// Specifiers of the modules that a source file imports, for TypeScript and
// AssemblyScript.

/**
 * `from '…'`, `import '…'`, `import('…')`, `new URL('…', import.meta.url)`; types too.
 */
const IMPORTS = /(?:\bfrom|\bimport|\bimport\(|\bnew URL\()\s*['"]([^'"\s]+)['"]/g;

/**
 * Every specifier of a file's text, in order, including re-exports and types, but not in
 * comments.
 * @param {string} text
 */
export function specifiersOf(text) {
  const code = text.replace(/^\s*(\/\/|\*|\/\*).*$/gm, '').replaceAll('import.meta.url', '');
  return [...code.matchAll(IMPORTS)].map(([, specifier = '']) => specifier);
}
