// SPDX-License-Identifier: MIT
// The benchmark page: the baselines that the repository has, each with its machine,
// commit and date, and every ratio's value from one baseline to the next. It measures
// nothing.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { escaped } from './html-text.mjs';

/** @typedef {import('./page-frame.mjs').Page} Page */

/**
 * @typedef {object} Baseline
 * @property {{ cpu: string, cores?: number, node: string }} machine
 * @property {Readonly<Record<string, number>>} ratios
 * @property {string} [commit] The commit that has it, shortened.
 * @property {string} [date] Of that commit: year, month, day.
 */

/** @typedef {typeof import('../../bench/regression/ratio-plot.ts').ratioPlot} Plot */

const FOLDER = 'bench/regression';
const PLOT = `${FOLDER}/ratio-plot.ts`;

/**
 * A baseline's versions, oldest first; without a history only the file as it is.
 * @param {string} root
 * @param {string} file
 * @returns {Baseline[]}
 */
function versionsOf(root, file) {
  const git = (/** @type {string[]} */ ...args) => {
    const { status, stdout } = spawnSync('git', ['-C', root, ...args], { encoding: 'utf8' });
    return status === 0 ? stdout : '';
  };
  const log = git('log', '--reverse', '--format=%H %h %cs', '--', file);
  const versions = log
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => {
      const [hash = '', commit = '', date = ''] = line.split(' ');
      const text = git('show', `${hash}:${file}`);
      return text === '' ? [] : [{ ...JSON.parse(text), commit, date, text }];
    });
  const present = readFileSync(join(root, file), 'utf8');
  if (versions.at(-1)?.text !== present) versions.push({ ...JSON.parse(present) });
  return versions.map(({ text: _text, ...baseline }) => baseline);
}

/** @param {Baseline} baseline */
function about({ machine: { cpu, cores, node }, commit, date }) {
  const processors = cores === undefined ? '' : ` with ${cores} cores`;
  const when = commit === undefined ? 'not committed' : `commit ${commit}, ${date}`;
  return `Node.js ${node} on ${cpu}${processors}; ${when}`;
}

/**
 * @param {readonly (readonly Baseline[])[]} histories Versions of each baseline, oldest
 *   first.
 * @param {Plot} plot
 * @returns {Page}
 */
export function ratioPage(histories, plot) {
  const sections = histories.flatMap((versions) => {
    const last = versions.at(-1);
    if (!last) return [];
    const [major = ''] = last.machine.node.replace(/^v/, '').split('.');
    const rows = Object.entries(last.ratios).map(
      ([name, ratio]) => `<tr><td>${escaped(name)}</td><td>${ratio.toFixed(3)}</td></tr>`,
    );
    const figures = Object.keys(last.ratios).map((name) => {
      const values = versions.map(({ ratios }) => ratios[name]);
      const drawn = plot(values, last.ratios[name], undefined, escaped(name));
      return `<figure>${drawn}<figcaption>${escaped(name)}</figcaption></figure>`;
    });
    const runs = versions.map((version) => `<li>${escaped(about(version))}</li>`);
    return [
      `<h2 id="node-${escaped(major)}">Node.js ${escaped(major)}</h2>`,
      `<p>${escaped(about(last))}.</p>`,
      '<div class="wide"><table><thead><tr><th>ratio</th><th>value</th></tr></thead>',
      `<tbody>${rows.join('\n')}</tbody></table></div>`,
      `<h3 id="node-${escaped(major)}-history">From baseline to baseline</h3>`,
      `<p>The green line is the newest baseline.</p><ol>${runs.join('')}</ol>`,
      ...figures,
    ];
  });
  const html = [
    '<h1 id="top">Benchmarks</h1>',
    `<p>The newest baselines in <code>${FOLDER}</code>. Each value is the time of one thing divided
by the time of another on the same machine: the less the better. <a href="../docs/internals/performance.html#against-a-baseline">How
they are measured</a>, and what the hot paths cost in nanoseconds, is described there;
<code>npm run bench</code> measures your own machine.</p>`,
    ...sections,
  ].join('\n');
  return { path: 'bench/index.html', title: 'Benchmarks', html };
}

/** @param {string} root @returns {Promise<Page>} */
export async function benchmarkPage(root) {
  const { transformWithOxc } = await import('vite');
  const { code } = await transformWithOxc(readFileSync(join(root, PLOT), 'utf8'), PLOT);
  const { ratioPlot } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
  const files = readdirSync(join(root, FOLDER))
    .filter((name) => /^baseline-.*\.json$/.test(name))
    .sort();
  if (files.length === 0) throw new Error(`${FOLDER} has no baseline`);
  return ratioPage(
    files.map((name) => versionsOf(root, `${FOLDER}/${name}`)),
    ratioPlot,
  );
}
