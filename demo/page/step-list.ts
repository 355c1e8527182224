// SPDX-License-Identifier: MIT
// "What just happened" in an experiment: the changes by each of its last steps.

import { html, type TemplateResult } from 'lit-html';
import type { StepPicture } from '../protocol.ts';
import { stepText } from './step-text.ts';

function row(change: StepPicture): TemplateResult {
  const { step, vm, failed, queues } = change;
  const bad = failed.length > 0 || queues.some(({ stopped }) => stopped);
  const text = stepText(change);
  return html`<li class=${bad ? 'bad' : ''} tabindex="-1" data-step=${step}
      data-explain="Step ${step}, ${vm}: ${text.join('; ')}."><b>${step} ${vm}</b><div>${text.map(
        (part) => html`<span>${part}</span>`,
      )}</div></li>`;
}

/** Newest first. */
export function stepList(changes: readonly StepPicture[]): TemplateResult {
  if (changes.length === 0)
    return html`<p class="none">Nothing yet: Run or Step lets the machines begin.</p>`;
  return html`<ol class="changes">${changes.toReversed().map(row)}</ol>`;
}
