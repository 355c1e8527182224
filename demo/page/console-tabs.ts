// SPDX-License-Identifier: MIT
// The heading of the consoles: which machine’s console is shown.

import { html, nothing, type TemplateResult } from 'lit-html';
import type { Frame } from '../protocol.ts';

/** @param frame the event whose time the consoles show; undefined: the current time. */
export function consoleTabs(
  names: readonly string[],
  shown: number,
  show: (vm: number) => void,
  save: (vm: number) => void,
  frame: Frame | undefined,
): TemplateResult {
  return html`<h2 tabindex="0"
      data-explain="What the guests write, as they write it; what is typed goes to the guest."
    >Console${frame && html` <small>as of event ${frame.number}</small>`}</h2>
    ${
      names.length < 2
        ? nothing
        : names.map(
            (name, vm) =>
              html`<button type="button" aria-pressed=${vm === shown} @click=${() => show(vm)}
                  data-explain="Shows the console of ${name}.">${name}</button>`,
          )
    }<button type="button" id="save-console" @click=${() => save(shown)}
        data-explain="What this console shows and has shown, as a text file.">Save</button>`;
}
