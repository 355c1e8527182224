// SPDX-License-Identifier: MIT
// "Edit and run": a text field with an experiment's few lines, which the toy executes.

import { html, nothing, type TemplateResult } from 'lit-html';
import { live } from 'lit-html/directives/live.js';
import type { Settings } from '../demo-settings.ts';
import type { EditedLines } from '../edit/edited-lines.ts';
import { LINE_FORMS, MOST_LINES_TEXT, parseLines } from '../edit/parse-lines.ts';
import type { Picture } from '../protocol.ts';
import type { Actions } from './controls.ts';
import { verdictOf } from './lines-verdict.ts';

function problems(text: string): TemplateResult {
  return html`<ul class="problems" id="line-problems" aria-live="polite">${parseLines(
    text,
  ).problems.map((problem) => html`<li class="bad">${problem}</li>`)}</ul>`;
}

/** The result of the lines. */
function shown(picture: Picture | undefined, lines: string): TemplateResult {
  const verdict = picture && verdictOf(picture, lines);
  if (!verdict) return html`<p class="look">One line a step. What each does is in the console.</p>`;
  return html`<p class=${verdict.what === 'clean' ? 'good' : 'bad'} data-lines=${verdict.what}>${verdict.text}</p>`;
}

export function linesEditor(
  editor: EditedLines,
  settings: Settings,
  picture: Picture | undefined,
  actions: Actions,
): TemplateResult | typeof nothing {
  if (!editor.isOpen) return nothing;
  const redraw = (): void => {
    actions.drawn().catch(reportError);
  };
  const run = () => {
    if (parseLines(editor.text).problems.length === 0) actions.runLines(editor.text);
    else document.getElementById('lines')?.focus();
  };
  return html`<div class="editor">
    <label for="lines">Lines for the driver
      <small>one machine, under the sanitizer</small></label>
    <textarea id="lines" rows="9" spellcheck="false" autocapitalize="off" maxlength=${MOST_LINES_TEXT}
        aria-describedby="line-problems" .value=${live(editor.text)}
        data-explain="What the toy’s driver and its device do, a line each. # begins a comment."
        @input=${(event: Event) => {
          editor.type((event.target as HTMLTextAreaElement).value);
          redraw();
        }}></textarea>
    ${problems(editor.text)}
    <p><button type="button" id="run-lines" class="primary" @click=${run}
        data-explain="New machines: the toy brings the SMMU up, then takes these lines.">Run these lines</button></p>
    ${settings.lines === '' ? nothing : shown(picture, settings.lines)}
    <details>
      <summary>What a line may say</summary>
      <dl class="forms">${LINE_FORMS.map(
        ([form, about]) => html`<dt><code>${form}</code></dt><dd>${about}</dd>`,
      )}</dl>
    </details>
  </div>`;
}
