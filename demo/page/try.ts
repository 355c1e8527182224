// SPDX-License-Identifier: MIT
// Experiments to try, by one click each, and their results.

import { html, nothing, type TemplateResult } from 'lit-html';
import { EXPERIMENTS, type Experiment, findExperiment } from '../../vmm/boards/index.ts';
import { isLive, type Settings } from '../demo-settings.ts';
import type { EditedLines } from '../edit/edited-lines.ts';
import type { Picture, RowPicture } from '../protocol.ts';
import type { Actions } from './controls.ts';
import { linesEditor } from './lines-editor.ts';
import { lookLine } from './look-line.ts';
import { measuredTime } from './page-text.ts';
import { withTerms } from './terms.ts';

const PATHS = ['trapped', 'direct', 'overlay'] as const;

function figure(batch: number, row: RowPicture | undefined): TemplateResult {
  if (!row) return html`<td></td>`;
  const { path, p50Ns, p99Ns, exitsPerBatch } = row;
  const commands = `${batch} ${batch === 1 ? 'invalidation' : 'invalidations'} and a CMD_SYNC`;
  const exits = exitsPerBatch.toFixed(exitsPerBatch === 0 ? 0 : 1);
  return html`<td tabindex="-1"
      data-explain=${
        `${path} path, ${commands}: ${measuredTime(p50Ns)} from the doorbell to completion, the ` +
        `median; 99 of 100 took ${measuredTime(p99Ns)} or less; ${exits} exits.`
      }>
    <b>${measuredTime(p50Ns)}</b> <small>to ${measuredTime(p99Ns)}</small> <span data-exits=${path}>${exits}</span> exits
  </td>`;
}

/** The paths compared. */
function measured({ rows }: Picture): TemplateResult {
  const batches = [...new Set(rows.map(({ batch }) => batch))];
  return html`<table>
    <caption>Invalidations with their CMD_SYNC: median to 99th percentile, and exits</caption>
    <thead><tr><th>batch</th>${PATHS.map(
      (path) => html`<th
        class=${path}>${path}</th>`,
    )}</tr></thead>
    <tbody>
      ${batches.map(
        (batch) =>
          html`<tr><td>${batch}</td>${PATHS.map((path) =>
            figure(
              batch,
              rows.find((row) => row.batch === batch && row.path === path),
            ),
          )}</tr>`,
      )}
    </tbody>
  </table>`;
}

const VERDICTS = {
  found: ['missing:', 'It never came: a finding.'],
  pending: ['waits for:', 'It may yet come: no finding.'],
  cleared: ['used before its', 'It has come since, which is no finding.'],
} as const;

/** The results of the sanitizer. */
function sanitizer({ suspects }: Picture): TemplateResult {
  const count = suspects.filter(({ state }) => state === 'found').length;
  return html`<div class="findings" data-findings=${count}>
    <h3>Sanitizer <small>${
      count > 0
        ? 'stale entries in use, and the command that is missing'
        : suspects.length === 0
          ? 'no stale entry has been used'
          : suspects.some(({ state }) => state === 'pending')
            ? 'stale entries in use; their invalidation may still come'
            : 'stale entries were used before their invalidation came'
    }</small></h3>
    <ul>
      ${suspects.map(({ text, state }) => {
        const [what = '', missing = ''] = text.split('; missing: ');
        return html`<li class=${state} tabindex="-1" data-explain="${text}. ${VERDICTS[state][1]}"><b
            >${VERDICTS[state][0]} ${missing}</b> ${what}</li>`;
      })}
    </ul>
  </div>`;
}

/** The result of an experiment, when every machine has ended. */
function outcome(experiment: Experiment, picture: Picture | undefined): TemplateResult {
  const { name, about, look, shows, checks } = experiment;
  const found =
    picture?.checks.filter(
      ({ name, vm }) => vm === 'host' || (checks as readonly string[]).includes(name),
    ) ?? [];
  const ended = picture?.state === 'ended';
  const held =
    ended &&
    found.every(({ ok }) => ok) &&
    checks.every((name) => found.some((check) => check.name === name));
  return html`<div class="outcome" data-outcome=${ended ? (held ? 'holds' : 'fails') : 'running'}
      aria-live="polite">
    <p>${withTerms(about)}</p>
    ${lookLine(name, look)}
    ${
      ended
        ? html`<p
        class=${held ? 'good' : 'bad'}>${held ? withTerms(shows) : 'It did not come out as expected.'}</p>`
        : nothing
    }
    ${experiment.measures && picture && picture.rows.length > 0 ? measured(picture) : nothing}
    <ul class="checks">
      ${found.map(
        ({ vm, name, ok, detail }) => html`<li class=${ok ? 'good' : 'bad'} tabindex="-1"
          data-explain="${detail}"><b>${ok ? 'ok' : 'FAIL'}</b> ${vm}: ${name}</li>`,
      )}
    </ul>
  </div>`;
}

export function thingsToTry(
  settings: Settings,
  picture: Picture | undefined,
  editor: EditedLines,
  actions: Actions,
): TemplateResult {
  const chosen = findExperiment(settings.experiment);
  const edit = () => {
    editor.toggle(settings);
    actions.drawn().catch(reportError);
  };
  return html`<h2 tabindex="0"
      data-explain=${
        'Experiments with the toy; the command line has the same: vsmmu boot toy --experiment ' +
        'NAME.'
      }>Things to try <small>one click each</small></h2>
    <div class="experiments">
      ${EXPERIMENTS.map(
        ({ name, title, about }) =>
          html`<button type="button" data-experiment=${name} aria-pressed=${name === chosen?.name}
              data-explain=${about} @click=${() => actions.experiment(name)}>${title}</button>`,
      )}
      <button type="button" data-experiment="none" aria-pressed=${isLive(settings) && settings.guest === 'toy'}
          data-explain="The toy takes all of its steps and then goes on working."
          @click=${() => actions.experiment('none')}>Live run</button>
      <button type="button" id="edit-lines" aria-expanded=${editor.isOpen} @click=${edit}
          data-explain="The experiment’s few lines (map, dma, tlbi, sync) in a text field, to change and run."
        >Edit and run</button>
      <button type="button" id="copy-embed" @click=${() => actions.share.copyEmbed()}
          data-explain="Copies the lines of HTML that show this experiment in another page."
        >${actions.share.copied === 'embed' ? 'copied' : 'Embed'}</button>
    </div>
    <details class="abouts">
      <summary>What each one does</summary>
      <dl>${EXPERIMENTS.map(({ title, about }) => html`<dt>${title}</dt><dd>${about}</dd>`)}</dl>
    </details>
    ${linesEditor(editor, settings, picture, actions)}
    ${
      settings.lines !== ''
        ? nothing
        : chosen
          ? outcome(chosen, picture)
          : settings.guest !== 'toy'
            ? html`<p class="hint">What is typed into the console goes to the guest.</p>`
            : html`<p class="hint">The console takes single characters: <kbd>?</kbd> says which.
            <kbd>f</kbd> makes a fault, <kbd>i</kbd> puts an illegal command on the VCMDQ.</p>`
    }
    ${settings.check && picture ? sanitizer(picture) : nothing}`;
}
