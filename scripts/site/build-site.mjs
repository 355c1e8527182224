#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// `npm run site` writes the static site to build/site: docs, API reference by import
// name, register maps, benchmarks, and the demo that `npm run demo:build` has made. Then
// it checks every link. Status 0: the site is complete. 1: a line for each link that
// leads nowhere. 2: the options are wrong, or a part has not been built.

import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { entriesOf, packedFiles } from '../api-report.mjs';
import { Modules } from '../declarations.mjs';
import { docPages } from './doc-pages.mjs';
import { escaped } from './html-text.mjs';
import { importIndex, importPages } from './import-pages.mjs';
import { framed } from './page-frame.mjs';
import { benchmarkPage } from './ratio-page.mjs';
import { isHardware, registerIndex, registerPages } from './register-pages.mjs';
import { checkSiteFolder, SiteError } from './site-folder.mjs';
import { checkSite } from './site-links.mjs';

/** @typedef {import('./page-frame.mjs').Page} Page */
/** @typedef {import('./page-frame.mjs').NavigationGroup} NavigationGroup */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const USAGE = `npm run site -- [options]
  --out FOLDER  where to write the site, default build/site; a site there is replaced,
                and any other folder with files is refused
  --check       only check the links of the site that is there
  --help        show this text`;
const DEMO = 'demo/dist';
const LAYOUT = /^assembly\/layout\/(.*)\.ts$/;

/**
 * @param {readonly NavigationGroup[]} groups
 * @param {string} description
 * @returns {Page}
 */
function startPage(groups, description) {
  const lists = groups.map(({ title, pages }, index) => {
    const items = pages.map(
      ({ path, title: name, summary = '' }) =>
        `<dt><a href="${path}">${escaped(name)}</a></dt><dd>${escaped(summary)}</dd>`,
    );
    return `<h2 id="group-${index}">${escaped(title)}</h2>\n<dl class="pages">${items.join('\n')}</dl>`;
  });
  const html = `<h1 id="top">vsmmu</h1>
<p>${escaped(description)}.</p>
<p><a href="docs/quick-start.html">Quick start</a>, or <a href="demo/index.html">the demo</a>, which
runs the machines in this tab. The demo needs a server, as browsers load neither modules nor
workers from files: <code>npx vite preview --outDir build/site</code> in a checkout, or any
static host. All other pages work from files, too.</p>
${lists.join('\n')}`;
  return { path: 'index.html', title: 'vsmmu', html };
}

/**
 * Writes the site.
 * @param {string} root A built checkout.
 * @param {string} out
 * @param {string} [demo] The folder of the built demo.
 * @returns {Promise<number>} how many pages it has, without the demo.
 * @throws {SiteError} when a part has not been built, or `out` is a folder with other
 *   files than those of a site.
 */
export async function buildSite(root, out, demo = join(root, DEMO)) {
  checkSiteFolder(out, root);
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const [path, command] of [
    [join(demo, 'index.html'), 'npm run demo:build'],
    [join(root, 'dist/vmm/api/index.d.ts'), 'npm run build'],
  ])
    if (!existsSync(path ?? '')) throw new SiteError(`there is no ${path}: ${command}`);
  const { pages: docs, images, groups: docGroups } = docPages(root);

  const entries = entriesOf(manifest.exports, packedFiles(root).toSorted());
  const modules = entries.filter(({ isModule }) => isModule);
  const layouts = new Map(
    modules.flatMap(({ name, file }) => {
      const [, layout] = LAYOUT.exec(file) ?? [];
      return layout === undefined ? [] : [/** @type {const} */ ([layout, name])];
    }),
  );
  const registers = await registerPages(root, layouts);
  const registerPaths = new Map(registers.map(({ title, path }) => [title, path]));
  const hasRegisterPage = ({ file = '' }) => registerPaths.has(LAYOUT.exec(file)?.[1] ?? '');
  const references = importPages(
    new Modules(root),
    modules.filter((entry) => !hasRegisterPage(entry)),
  );
  const index = importIndex(
    references,
    modules.filter(hasRegisterPage).map(({ name, file }) => ({
      name,
      path: registerPaths.get(LAYOUT.exec(file)?.[1] ?? '') ?? '',
    })),
    entries.filter(({ isModule }) => !isModule).map(({ name }) => name),
  );
  const maps = registerIndex(registers);
  const bench = await benchmarkPage(root);

  /** @type {NavigationGroup[]} */
  const groups = [
    ...docGroups,
    { title: 'API reference', pages: [index, ...references] },
    {
      title: 'Register maps',
      pages: [maps, ...registers.filter(({ title }) => isHardware(title))],
    },
    { title: 'Demo and benchmarks', pages: [{ title: 'Demo', path: 'demo/index.html' }, bench] },
  ];
  const start = startPage(groups, manifest.description);
  const pages = [start, ...docs, index, ...references, maps, ...registers, bench];

  rmSync(out, { recursive: true, force: true });
  for (const page of pages) {
    const file = join(out, page.path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, framed(page, { version: manifest.version, groups }));
  }
  for (const image of images) cpSync(join(root, image), join(out, image));
  cpSync(join(root, 'scripts/site/site.css'), join(out, 'site.css'));
  cpSync(join(root, 'demo/public/icon.svg'), join(out, 'icon.svg'));
  cpSync(demo, join(out, 'demo'), { recursive: true });
  return pages.length;
}

async function main() {
  const { values } = parseArgs({
    options: {
      out: { type: 'string', default: join(ROOT, 'build/site') },
      check: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  if (values.check && !existsSync(values.out)) throw new SiteError(`there is no ${values.out}`);
  if (!values.check) console.log(`${await buildSite(ROOT, values.out)} pages in ${values.out}`);
  const { links, problems } = checkSite(values.out);
  for (const problem of problems) console.error(problem);
  console.log(`${links} links, ${problems.length} of them lead nowhere`);
  process.exitCode = problems.length > 0 ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  try {
    await main();
  } catch (error) {
    if (!(error instanceof SiteError || error instanceof TypeError)) throw error;
    console.error(`site: ${error.message.split('\n')[0]}`);
    process.exitCode = 2;
  }
