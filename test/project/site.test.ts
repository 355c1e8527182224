// SPDX-License-Identifier: MIT
// The parts of the static site (scripts/site) on small inputs: Markdown, links, register
// maps, the API by import name, benchmarks.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ratioPlot } from '../../bench/regression/ratio-plot.ts';
import { Modules } from '../../scripts/declarations.mjs';
import { importPages } from '../../scripts/site/import-pages.mjs';
import { fieldGroups, readLayout, rowsOf } from '../../scripts/site/layout-source.mjs';
import { renderMarkdown } from '../../scripts/site/markdown-page.mjs';
import { framed } from '../../scripts/site/page-frame.mjs';
import { ratioPage } from '../../scripts/site/ratio-page.mjs';
import { registerPage } from '../../scripts/site/register-pages.mjs';
import { checkSiteFolder } from '../../scripts/site/site-folder.mjs';
import { checkSite } from '../../scripts/site/site-links.mjs';
import { PROJECT } from '../support/project.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vsmmu-site-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

describe('Markdown', () => {
  const render = (text: string) =>
    renderMarkdown(text, {
      file: 'docs/internals/a.md',
      path: 'docs/internals/a.html',
      pathOf: (file) => file.replace(/\.md$/, '.html'),
    });

  it('has a title, a summary, and the anchors that GitHub gives headings', () => {
    const { title, summary, html } = render(
      '# The `<b>` drain\n\nIt drains. More.\n\n## How to add …\n\n## A *b*\n\n## A b\n',
    );
    expect([title, summary]).toEqual(['The <b> drain', 'It drains.']);
    const ids = [...html.matchAll(/<h\d id="([^"]*)"/g)].map(([, id]) => id);
    expect(ids).toEqual(['the-b-drain', 'how-to-add-', 'a-b', 'a-b-1']);
    expect(html).toContain('href="#a-b-1"');
  });

  it('links from page to page, and out of the site unchanged', () => {
    const { html, targets } = render(
      '[a](../b.md#c) [d](#e) [f](https://example.com/g.md) ![h](../images/i.png)\n',
    );
    expect([...html.matchAll(/(?:href|src)="([^"]*)"/g)].map(([, link]) => link)).toEqual([
      '../b.html#c',
      '#e',
      'https://example.com/g.md',
      '../images/i.png',
    ]);
    expect(targets).toEqual(['docs/b.md', 'docs/images/i.png']);
  });

  it('shows code as text, and tables in a box that scrolls', () => {
    const { html } = render('```html\n<b>&</b>\n```\n\n| a |\n| - |\n| `b` |\n');
    expect(html).toContain('<pre><code>&lt;b&gt;&amp;&lt;/b&gt;\n</code></pre>');
    expect(html).toMatch(/<div class="wide"><table>[\s\S]*<\/table><\/div>/);
  });

  it('is a page with relative links to styles and navigation, at any depth', () => {
    const groups = [{ title: 'G', pages: [{ title: 'B & C', path: 'docs/b.html' }] }];
    const page = { path: 'docs/internals/a.html', title: 'A', html: '<h1>A</h1>' };
    const html = framed(page, { version: '1.2.3', groups });
    expect(html).toContain('href="../../site.css"');
    expect(html).toContain('<a href="../b.html">B &amp; C</a>');
    const own = framed({ ...page, path: 'docs/b.html' }, { version: '1.2.3', groups });
    expect(own).toContain('<a href="b.html" aria-current="page">');
  });
});

describe('links', () => {
  const GOOD = {
    'index.html': `<p id="top"><a href="a/b.html#c">1</a> <a href='#top'>2</a> <img src=i.png>
      <a href="https://example.com/x">3</a> <a href="mailto:a@b.c">4</a> <a href="a/b.html?d=1">5</a>
      <script>const s = '<a href="none.html">';</script><!-- <a href="none.html"> -->`,
    'a/b.html': '<h1 id="c"></h1><a href="../index.html#top"></a><link href="../s.css">',
    's.css': '@import url(a/t.css); b { background: url("i.png") }',
    'a/t.css': '',
    'i.png': '',
  };

  it('that lead somewhere are counted, and no problem', () => {
    write(GOOD);
    expect(checkSite(folder)).toEqual({ links: 10, problems: [] });
  });

  it.each([
    ['a file that is not there', { 'x.html': '<a href="a/none.html">' }, 'a/none.html'],
    ['another case of letters', { 'x.html': '<a href="A/b.html">' }, 'A/b.html'],
    ['an anchor that is not there', { 'x.html': '<a href="a/b.html#d">' }, 'has no anchor d'],
    ['an anchor of its own page', { 'x.html': '<a href="#d">' }, 'x.html has no anchor d'],
    ['a folder', { 'x.html': '<a href="a/">' }, 'there is no file a/'],
    ['a file above the site', { 'x.html': '<a href="../x.html">' }, '../x.html'],
    ['the root of a host', { 'x.html': '<a href="/index.html">' }, 'is not relative'],
    ['another scheme', { 'x.html': '<a href="file:///x">' }, 'is not relative'],
    ['an image that is not there', { 'x.html': '<img src="none.png">' }, 'none.png'],
    ['a script that is not there', { 'x.html': '<script src="n.js"></script>' }, 'n.js'],
    ['an escape that is none', { 'x.html': '<a href="%zz">' }, 'is not a valid address'],
    ['from a style sheet', { 'x.css': 'b { background: url(none.png) }' }, 'none.png'],
  ])('to %s are named', (_what, files, text) => {
    write({ ...GOOD, ...files });
    const { problems } = checkSite(folder);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(text);
    expect(problems[0]).toMatch(/^x\.(html|css): /);
  });

  it('of a site that is there end the check with status 1 and a line for each', () => {
    write({ 'x.html': '<a href="a.html"></a><a href="b.html"></a>' });
    const program = join(PROJECT, 'scripts/site/build-site.mjs');
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });
    const { status, stderr } = run('--check', '--out', folder);
    expect([status, stderr.trim().split('\n').length]).toEqual([1, 2]);
    const refused = run('--outt', folder);
    expect([refused.status, refused.stderr.trim().split('\n').length]).toEqual([2, 1]);
  });
});

describe('register maps', () => {
  const SOURCE = `// SPDX-License-Identifier: MIT
// Registers of a thing (ABC 1).
//
// More.

export const T_SIZE = 0x1000; // "abc"
/** The control
 * register. */
export const T_CTRL = 0x04;
export const T_CTRLX = 0x08;

// Fields of it.
export const CTRL_EN = (0 << 16) | (0 << 8) | 1;
/** High. */
export const CTRL_HIGH = (1 << 16) | (4 << 8) | 28;
export const CTRL_MODE = (1 << 16) | (8 << 8) | 3;
export const CTRLX_EN = CTRL_EN;
export const OTHER_BIT = (0 << 16) | (31 << 8) | 1;
export const CTRL_MODE_FAST = 2;
`;
  const VALUES = {
    T_SIZE: 0x1000,
    T_CTRL: 4,
    T_CTRLX: 8,
    CTRL_EN: 1,
    CTRL_HIGH: (1 << 16) | (4 << 8) | 28,
    CTRL_MODE: (1 << 16) | (8 << 8) | 3,
    CTRLX_EN: 1,
    OTHER_BIT: (31 << 8) | 1,
    CTRL_MODE_FAST: 2,
  };
  const layout = readLayout(SOURCE, VALUES);

  it('have every constant with its comment, under the comment of its section', () => {
    expect(layout.intro).toBe('Registers of a thing (ABC 1). More.');
    expect(layout.sections.map(({ heading }) => heading)).toEqual(['', 'Fields of it.']);
    const constants = layout.sections.flatMap((section) => section.constants);
    expect(constants.map(({ name }) => name)).toEqual(Object.keys(VALUES));
    expect(constants[1]).toMatchObject({ value: 4, comment: 'The control register.' });
    expect(constants[4]?.field).toEqual({ word: 1, low: 4, width: 28 });
    expect(constants[6]?.field).toEqual({ word: 0, low: 0, width: 1 });
    expect(constants[8]?.field).toBeUndefined();
  });

  it('have the fields of each register, those that overlap in rows of their own', () => {
    const groups = fieldGroups(layout);
    expect(groups.map(({ name, fields }) => [name, fields.map((field) => field.name)])).toEqual([
      ['CTRL', ['CTRL_EN', 'CTRL_HIGH', 'CTRL_MODE']],
      ['CTRLX', ['CTRLX_EN']],
      ['OTHER', ['OTHER_BIT']],
    ]);
    const word = groups[0]?.fields.filter(({ field }) => field.word === 1) ?? [];
    expect(rowsOf(word).map((row) => row.map(({ name }) => name))).toEqual([
      ['CTRL_MODE'],
      ['CTRL_HIGH'],
    ]);
  });

  it('are drawn with 32 bits in each row, and lead to the constants', () => {
    const { html } = registerPage('t-registers', layout, 'vsmmu/t');
    const rows = [...html.matchAll(/<tr><th scope="row">\d+<\/th>(.*?)<\/tr>/g)];
    expect(rows).toHaveLength(5);
    for (const [, row = ''] of rows) {
      const spans = [...row.matchAll(/colspan="(\d+)"/g)].map(([, span]) => Number(span));
      expect(spans.reduce((a, b) => a + b)).toBe(32);
    }
    expect(html).toContain('<td>word 1, bits 31:4</td><td>High.</td>');
    expect(html).toContain('<td>word 0, bit 0</td>');
    expect(html).toContain('<td>0x1000</td>');
    write({ 'registers/t-registers.html': html });
    expect(checkSite(folder).problems).toEqual([]);
    expect(html.match(/<a href="#/g)?.length).toBe(5);
  });
});

describe('the API by import name', () => {
  const FILES = {
    'a.d.ts': `import type { Hidden } from './c.ts';
/** Does it.
 * @param what - the \`thing\`.
 * @throws {RangeError} when it cannot.
 * @deprecated since 0.2.0: use B.
 */
export declare function doIt(what: string): Hidden;
export { B } from './b.ts';
`,
    'b.d.ts': `/** A class <b>. */
export declare class B {
    #private;
    /** The size in bytes. */
    readonly size: number;
    private readonly secret;
    /** @internal */
    readonly inner: number;
    private constructor();
    /** A copy. */
    copy(): B;
}
export interface Options {
    readonly b: B;
}
export declare const LIMIT = 5;
`,
    'c.d.ts': `/** Exported by nothing. */
export interface Hidden { readonly n: number; }
`,
  };
  const pages = () => {
    write(FILES);
    const entries = [
      { name: 'p', file: 'a.d.ts' },
      { name: 'p/b', file: 'b.d.ts' },
    ];
    return importPages(new Modules(folder), entries);
  };

  it('has a page for each name, with documentation and members, without what is private', () => {
    const [first, second, rest] = pages();
    expect([first?.path, second?.path]).toEqual(['api/p.html', 'api/p-b.html']);
    expect(first?.html).toContain('<li><code>what</code>: the <code>thing</code>.</li>');
    expect(first?.html).toContain('<em>Throws:</em> <code>RangeError</code> when it cannot.');
    expect(first?.html).toContain('<em>Deprecated:</em> since 0.2.0: use B.');
    expect(first?.html).toContain('<dt id="B.size"><code>readonly size: number;</code></dt>');
    expect(first?.html).toContain('<dd><p>The size in bytes.</p>\n</dd>');
    expect(first?.html).not.toMatch(/secret|inner|private|constructor/);
    expect(second?.html).toContain('<a href="#LIMIT">LIMIT</a> = 5');
    expect(rest?.html).toContain('Exported by nothing.');
  });

  it('leads from the types in signatures to their places', () => {
    const [first, second] = pages();
    expect(first?.html).toContain('<a href="named-by-signatures.html#Hidden">Hidden</a>');
    expect(first?.html).toContain('copy(): <a href="#B">B</a>;');
    expect(second?.html).toContain('readonly b: <a href="p.html#B">B</a>;');
    expect(second?.html).toContain('<li><a href="p.html#B"><code>B</code></a></li>');
    for (const { path, html } of pages()) write({ [path]: html });
    expect(checkSite(folder).problems).toEqual([]);
  });
});

describe('benchmarks', () => {
  it('are the newest baselines, with machine, commit and date, and a plot of all', () => {
    const machine = { cpu: 'A CPU', cores: 2, node: 'v20.1.0' };
    const history = [
      { machine, ratios: { 'core: a <b>': 2 }, commit: 'aaa', date: '2026-01-01' },
      { machine, ratios: { 'core: a <b>': 1 }, commit: 'bbb', date: '2026-02-01' },
    ];
    const { html } = ratioPage([history], ratioPlot);
    expect(html).toContain('<p>Node.js v20.1.0 on A CPU with 2 cores; commit bbb, 2026-02-01.</p>');
    expect(html).toContain('<td>core: a &lt;b&gt;</td><td>1.000</td>');
    expect(html.match(/<circle /g)).toHaveLength(2);
    expect(html.match(/<li>/g)).toHaveLength(2);
  });
});

describe('the folder of a site', () => {
  const check = (out: string) => checkSiteFolder(join(folder, out), join(folder, 'a/checkout'));
  beforeEach(() => {
    // A checkout may look like a site: the folders above it are refused anyway.
    for (const above of ['a/checkout/', 'a/', ''])
      write({ [`${above}index.html`]: '', [`${above}site.css`]: '' });
  });

  it.each(['a/checkout', 'a', '', 'b/../a/checkout'])(
    'is not %j, which has the checkout',
    (out) => {
      mkdirSync(join(folder, 'b'));
      expect(() => check(out)).toThrow(/ contains the checkout: it is not replaced$/);
    },
  );

  it('is not a link to such a folder', () => {
    symlinkSync(join(folder, 'a'), join(folder, 'link'));
    expect(() => check('link')).toThrow(/ contains the checkout/);
  });

  it.each(['index.html', 'site.css', '.git'])('has not only %s of a site', (name) => {
    write({ [`other/${name}`]: '' });
    expect(() => check('other')).toThrow(/ has other files than a site: it is not replaced$/);
  });

  it('is not a file', () => {
    write({ file: '' });
    expect(() => check('file')).toThrow(/ is not a folder$/);
  });

  it('is a new one, an empty one, or a site, also in the checkout', () => {
    write({ 'a/checkout/build/site/index.html': '', 'a/checkout/build/site/site.css': '' });
    mkdirSync(join(folder, 'empty'));
    for (const out of ['new', 'empty', 'a/checkout/build/site', 'a/checkout/..new']) check(out);
  });

  it('is refused in one line, with status 2, before anything is built', () => {
    write({ 'mine/letter.txt': 'Dear' });
    const out = join(folder, 'mine');
    const script = join(PROJECT, 'scripts/site/build-site.mjs');
    const run = spawnSync('node', [script, '--out', out], { encoding: 'utf8' });
    expect([run.status, run.stdout]).toEqual([2, '']);
    expect(run.stderr).toBe(`site: ${out} has other files than a site: it is not replaced\n`);
    expect(existsSync(join(out, 'letter.txt'))).toBe(true);
  });
});
