// SPDX-License-Identifier: MIT
// Prose in Markdown and in comments wraps at 90 columns, so that a diff shows the sentence
// that has changed. Tables, code blocks, headings and lines that cannot be broken are
// exempt.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROJECT } from '../support/project.ts';

const COLUMNS = 90;

const markdownIn = (folder: string) =>
  readdirSync(join(PROJECT, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.md') && !path.includes('node_modules'));
const PAGES = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'],
  ...['docs', 'templates'].flatMap(markdownIn),
];

/**
 * A line of a list item, a quotation or a paragraph, without its indentation and mark.
 */
const contentOf = (line: string) => line.replace(/^\s*(?:[-*+>] |\d+[.)] )?\s*/, '');

/**
 * True when the line has no space outside code spans and link texts: it cannot be broken.
 */
const isUnbreakable = (line: string) =>
  !contentOf(line)
    .replace(/`[^`]*`/g, '`')
    .replace(/!?\[[^\]]*\]\(/g, '(')
    .includes(' ');

/** Rooms whose comments are checked. */
const ROOMS = ['assembly', 'bench', 'devices', 'guest-driver', 'host', 'scripts', 'vmm'];

const sourcesIn = (room: string) =>
  readdirSync(join(PROJECT, room), { recursive: true, encoding: 'utf8' })
    .map((name) => `${room}/${name.replaceAll('\\', '/')}`)
    .filter((path) => /\.(?:ts|mjs)$/.test(path) && !/node_modules|\/dist\//.test(path));

/**
 * Lines of comments that are too wide. Exempt are examples, URLs, tables, types that cannot
 * be broken, and directives of tools.
 */
function wideComments(text: string): number[] {
  const wide: number[] = [];
  let inBlock = false;
  let inExample = false;
  for (const [index, line] of text.split('\n').entries()) {
    if (/^\s*\/\*/.test(line)) inBlock = true;
    const isComment = inBlock || /^\s*\/\//.test(line);
    if (isComment && line.includes('```')) inExample = !inExample;
    if (isComment && line.length > COLUMNS && !inExample && !isExempt(line)) wide.push(index + 1);
    if (line.includes('*/')) inBlock = inExample = false;
  }
  return wide;
}

const isExempt = (line: string) => /https?:\/\/|\|.*\||^[\s*/]*\{|biome-ignore|@ts-/.test(line);

/** Line numbers of prose that is too wide. */
function wideLines(text: string): number[] {
  const wide: number[] = [];
  let fence: string | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const [, mark] = /^\s*(`{3,}|~{3,})/.exec(line) ?? [];
    if (mark !== undefined && (fence === undefined || mark.startsWith(fence)))
      fence = fence === undefined ? mark : undefined;
    else if (
      fence === undefined &&
      line.length > COLUMNS &&
      !/^\s*(?:\||#|<)/.test(line) &&
      !isUnbreakable(line)
    )
      wide.push(index + 1);
  }
  return wide;
}

describe('prose', () => {
  it.each(PAGES)('of %s wraps at 90 columns', (page) => {
    expect(wideLines(readFileSync(join(PROJECT, page), 'utf8'))).toEqual([]);
  });

  it.each(ROOMS)('in comments of %s/ wraps at 90 columns', (room) => {
    const sources = sourcesIn(room);
    expect(sources.length).toBeGreaterThan(20);
    const wide = sources.flatMap((path) =>
      wideComments(readFileSync(join(PROJECT, path), 'utf8')).map((line) => `${path}:${line}`),
    );
    expect(wide).toEqual([]);
  });

  it('is checked on all pages', () => {
    expect(PAGES.length).toBeGreaterThan(40);
  });
});

describe('the check of the width', () => {
  const words = (count: number) => Array.from({ length: count }, () => 'word').join(' ');

  it('finds a wide paragraph and a wide list item, also after a code block', () => {
    const wide = words(19);
    expect(wide.length).toBeGreaterThan(COLUMNS);
    const page = `${words(18)}\n${wide}\n\n\`\`\`sh\n${wide}\n\`\`\`\n- ${wide}\n  ${wide}\n`;
    expect(wideLines(page)).toEqual([2, 7, 8]);
  });

  it('finds wide comments, and accepts wide code, examples, types and URLs', () => {
    const wide = words(19);
    const one = `/** ${wide} */\n// ${wide}\n/*\n * ${wide}\n */\n  // word\n`;
    expect(wideComments(one)).toEqual([1, 2, 4]);
    const example = `/**\n * \`\`\`ts\n * ${wide}\n * \`\`\`\n */\n`;
    const type = `/**\n * {${wide}}\n */\n`;
    expect(wideComments(`${example}${type}call('${wide}');\n// https://${wide}\n`)).toEqual([]);
  });

  it('accepts wide tables, headings, code blocks and links', () => {
    const link = `[${words(12)}](https://example.org/${'a'.repeat(60)})`;
    const code = `\`\`\`text\n${words(40)}\n\`\`\``;
    expect(wideLines(`# ${words(40)}\n\n| ${words(40)} |\n\n${code}\n\n- ${link}\n`)).toEqual([]);
  });
});
