// SPDX-License-Identifier: MIT
// The buttons for a trace of all events, for chrome://tracing, Perfetto or Speedscope.

import { html, type TemplateResult } from 'lit-html';
import type { Actions } from './controls.ts';

/** @param traced a trace is kept. */
export function traceTools(traced: boolean, actions: Actions): TemplateResult {
  if (!traced)
    return html`<button type="button" id="keep-trace" @click=${() => actions.set('trace', 'yes')}
        data-explain=${
          'New machines, of which a trace is kept: exits, commands, walks, with their times, for ' +
          'chrome://tracing, Perfetto or Speedscope.'
        }>Record a trace</button>`;
  return html`<button type="button" id="save-trace" @click=${() => actions.share.saveTrace()}
        data-explain="The trace so far, in Chrome\u2019s trace event format, compressed.">Download trace</button>
      <button type="button" id="open-trace" @click=${() => actions.share.openTrace()}
        data-explain="Gives the trace to ui.perfetto.dev in a window of its own; it is sent nowhere else."
        >Open in Perfetto</button>
      <button type="button" id="stop-trace" @click=${() => actions.set('trace', 'no')}
        data-explain="New machines, without a trace.">Stop recording</button>`;
}
