// SPDX-License-Identifier: MIT
// Single keys: p, s, r. They can be switched off, which is stored, and r asks for
// confirmation.

import { html, render, type TemplateResult } from 'lit-html';
import type { Actions } from './controls.ts';
import { store, stored } from './storage.ts';

const KEYS_KEY = 'vsmmu-keys';
let on = stored('localStorage', KEYS_KEY) !== 'off';

function toggleKeys(actions: Actions): void {
  on = !on;
  store('localStorage', KEYS_KEY, on ? null : 'off');
  actions.drawn().catch(reportError);
}

/** Lists the keys, with a switch for them. */
export function keysLine(actions: Actions): TemplateResult {
  return html`<small>Keys: p runs and pauses, s steps, r resets
    <button type="button" id="keys" class="small" aria-pressed=${on} @click=${() => toggleKeys(actions)}
        data-explain=${
          'Switches the single keys p, s and r on or off; the browser remembers it. Tab, arrow ' +
          'keys and Escape stay.'
        }>${on ? 'on' : 'off'}</button></small>`;
}

/** Asks for confirmation to start again. */
function askForReset(actions: Actions): void {
  const dialog = document.createElement('dialog');
  dialog.id = 'confirm-reset';
  dialog.setAttribute('aria-labelledby', 'confirm-reset-text');
  const close = (confirmed: boolean) => {
    dialog.close();
    if (confirmed) actions.reset();
  };
  render(
    html`<p id="confirm-reset-text">Reset? The machines begin anew; what they have shown is lost.</p>
      <p><button type="button" class="primary" autofocus @click=${() => close(true)}>Reset</button>
      <button type="button" @click=${() => close(false)}>Go on</button></p>`,
    dialog,
  );
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

export function listenToKeys(page: Actions): void {
  const keys: Readonly<Record<string, () => void>> = {
    p: () => page.toggleRun(),
    s: () => page.step(),
    r: () => askForReset(page),
  };
  document.addEventListener('keydown', (event) => {
    const typing =
      event.target instanceof Element && event.target.closest('input, select, textarea, dialog');
    if (!on || typing || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const act = Object.hasOwn(keys, event.key) ? keys[event.key] : undefined;
    if (!act) return;
    // So that the key is not typed into the dialog that it may open.
    event.preventDefault();
    act();
  });
}
