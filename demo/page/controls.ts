// SPDX-License-Identifier: MIT
// The bar at the top: what runs, how, and the buttons.

import { html, nothing, type TemplateResult } from 'lit-html';
import { live } from 'lit-html/directives/live.js';
import { PACKAGE_VERSION } from '../../assembly/package-version.ts';
import { CHOICES, type Choice, chosenValue, type Settings } from '../demo-settings.ts';
import type { OfferedGuest } from '../link/offered-guest.ts';
import type { Picture, SessionFacts } from '../protocol.ts';
import { isEmbedded, wholePage } from './embedded.ts';
import { offerLine } from './offer-line.ts';
import type { Sharing } from './sharing.ts';

export interface Actions {
  set(name: keyof Settings, value: string): void;
  pickGuest(files: readonly File[]): void;
  toggleRun(): void;
  step(count?: number): void;
  reset(): void;
  /** Starts again, and stops before the first step. */
  restart(): void;
  /** Goes to a stop of the tour; 0 leaves it. */
  tour(stop: number): void;
  experiment(name: string): void;
  /** Runs valid lines of the user on new machines. */
  runLines(text: string): void;
  /** Starts the guest from the link. */
  startOffer(): void;
  toggleTheme(): void;
  /** Draws the current state. */
  drawn(): Promise<void>;
  readonly share: Sharing;
}

export interface BarState {
  readonly settings: Settings;
  /** The machines as they are now. */
  readonly picture: Picture | undefined;
  /** Number of steps that the machines take at once, according to the selected view. */
  readonly steps: number;
  readonly facts: SessionFacts | undefined;
  /** The last error in one line; empty when there is none. */
  readonly error: string;
  /** Deviations from the requested settings, and other notes. */
  readonly notes: readonly string[];
  /** The machines were requested to run. */
  readonly going: boolean;
  readonly booting: boolean;
  /** The machines are on their way to the event of a link. */
  readonly underWay: boolean;
  /** There are no machines, and none in the making. */
  readonly stopped: boolean;
  /** A guest from a link that waits for a click. */
  readonly offer: OfferedGuest | undefined;
}

const FILE = 'file';

function select(choice: Choice, settings: Settings, actions: Actions): TemplateResult {
  const { name, label, values, explains } = choice;
  const current = chosenValue(settings, choice);
  return html`<label data-explain=${explains}>${label}
    <select name=${name}
        @change=${(event: Event) => actions.set(name, (event.target as HTMLSelectElement).value)}>
      ${values.map(
        (value) => html`<option value=${value}
          .selected=${live(value === current)}>${value}</option>`,
      )}
    </select>
  </label>`;
}

/**
 * On a narrow page the settings are hidden by a button; otherwise there is no such
 * button.
 */
function toggleSettings({ currentTarget }: Event): void {
  const button = currentTarget as HTMLElement;
  const isOpen = button.closest('form')?.classList.toggle('open') ?? false;
  button.setAttribute('aria-expanded', String(isOpen));
}

/** A file name in the form for a list: its beginning and its end. */
const shortName = (name: string) =>
  name.length > 32 ? `${name.slice(0, 18)}\u2026${name.slice(-12)}` : name;

function guestSelect({ guest }: Settings, actions: Actions): TemplateResult {
  const choose = (event: Event) => {
    const field = event.target as HTMLSelectElement;
    if (field.value === FILE) {
      field.value = guest;
      document.querySelector<HTMLInputElement>('#guest-file')?.click();
    } else {
      actions.set('guest', field.value);
    }
  };
  const pick = (event: Event) => {
    const field = event.target as HTMLInputElement;
    const files = [...(field.files ?? [])];
    if (files.length > 0) actions.pickGuest(files);
    field.value = '';
  };
  return html`<label
      data-explain=${
        'The guest: the toy, any WebAssembly program that follows the guest ABI, or an arm64 ' +
        'Linux kernel with its initial RAM disk. Files can be dropped anywhere on the page.'
      }>Guest
      <select name="guest" @change=${choose}>
        <option value="toy" .selected=${live(guest === 'toy')}>toy</option>
        ${
          guest === 'toy'
            ? nothing
            : html`<option value=${guest}
            .selected=${live(true)}>${shortName(guest)}</option>`
        }
        <option value=${FILE}>open files\u2026</option>
      </select>
    </label>
    <input id="guest-file" type="file" multiple aria-label="Guest files"
        tabindex="-1" @change=${pick} />`;
}

/** Documents of the site (site-documents.ts). */
const LINKS: readonly (readonly [title: string, href: string, about: string])[] = [
  ['concepts', './concepts.txt', 'One page for who knows virtual memory and nothing of IOMMUs.'],
  [
    'docs and source',
    './docs.txt',
    'What vsmmu is, how it is installed, and where its sources and pages are.',
  ],
  ['licences', './licences.txt', 'MIT; and the licences of the packages in this page.'],
];

const STATES = {
  booting: 'Host and machines are being made.',
  running: 'The machines are stepped in turn.',
  paused: 'Every machine stands at a safe point; the page shows that instant.',
  ended: 'Every machine has ended; Reset begins again.',
  stopped: 'There is nothing to run: the line below the controls says why.',
} as const;

function stateText({ picture, booting, stopped, underWay }: BarState): keyof typeof STATES {
  if (stopped) return 'stopped';
  if (booting || !picture) return 'booting';
  return underWay ? 'running' : picture.state;
}

/** A single key of a button; there are none in a frame of another page. */
const keys = (key: string) => (isEmbedded() ? nothing : key);

export function bar(state: BarState, actions: Actions): TemplateResult {
  const { settings, steps, facts, error, notes, offer } = state;
  const { share } = actions;
  const text = stateText(state);
  const running = state.going && text !== 'ended';
  const idle = text === 'ended' || text === 'booting' || text === 'stopped';
  const guests =
    facts?.transport === 'inline' ? 'inline in the VMM\u2019s worker' : 'on workers of their own';
  const where = facts ? `guests ${guests}, drain: ${facts.drain}` : '\u00a0';
  return html`<header>
      <h1
          data-explain=${
            'A virtual Arm SMMUv3 with NVIDIA CMDQV: machines share it, and their guests ' +
            'invalidate through command queues of their own.'
          }
        >vsmmu <small>an SMMUv3 with CMDQV, at work in this tab</small></h1>
      <p class="state" aria-live="off">
        <span class="status ${text}" id="state" tabindex="0"
            data-explain=${STATES[text]}>${text}</span>
        <span class="steps" tabindex="-1"
            data-explain="Steps of all machines since the reset; in one, each guest is called once."
          >step <i id="steps">${steps}</i></span>
        <span class="where" tabindex="-1"
            data-explain=${
              'What came of the settings: where the guests run and where their command queues ' +
              'are drained.'
            }>${where}</span>
      </p>
      <nav class="links" aria-label="About">
        ${LINKS.map(
          ([title, href, about]) => html`<a href=${href} target="_blank" rel="noopener"
              data-explain=${about}>${title}</a>`,
        )}
        <span tabindex="-1" data-explain="The version of vsmmu that this page has."
          >${PACKAGE_VERSION}</span>
        ${
          isEmbedded()
            ? html`<a id="whole-page" href=${wholePage()} target="_blank" rel="noopener"
                data-explain="All panels, experiments and settings, in a tab of its own.">the whole page</a>`
            : nothing
        }
      </nav>
      <div class="tools">
        <button type="button" id="copy-link" @click=${() => share.copyLink()}
            data-explain=${
              'Copies a link to this page as it is: settings, the step at which it is paused, the ' +
              'event, the panel used last, and a guest of a few kilobytes.'
            }>${share.copied === 'link' ? 'copied' : 'copy link'}</button>
        <button type="button" id="theme" @click=${() => actions.toggleTheme()}
            data-explain="Changes between dark and light.">dark / light</button>
      </div>
    </header>
    <form class="bar" aria-label="Machine" @submit=${(event: Event) => event.preventDefault()}>
      <div class="buttons">
        <button type="button" id="run" class="primary" ?disabled=${idle} aria-keyshortcuts=${keys('p')}
            @click=${() => actions.toggleRun()}
            data-explain="Lets the machines run, or pauses them at a safe point (p)."
          >${running ? 'Pause' : 'Run'}</button>
        <button type="button" id="step" ?disabled=${idle} aria-keyshortcuts=${keys('s')}
            @click=${() => actions.step()}
            data-explain="One step of each machine: one call of the guest (s).">Step</button>
        <button type="button" id="reset" aria-keyshortcuts=${keys('r')} @click=${() => actions.reset()}
            data-explain="New machines on a new host, from the beginning (r).">Reset</button>
        <button type="button" id="restart" @click=${() => actions.restart()}
            data-explain="New machines on a new host, paused before their first step."
          >Reset to step 0, paused</button>
      </div>
      <button type="button" id="settings" aria-expanded="false" @click=${toggleSettings}
          data-explain="Shows or hides the links, the buttons, and what the machines are made of."
        >Controls</button>
      ${guestSelect(settings, actions)}
      ${CHOICES.map((choice) => select(choice, settings, actions))}
    </form>
    ${offerLine(offer, () => actions.startOffer())}
    <p id="note" class=${error === '' ? '' : 'bad'} role="alert">${[
      error || (facts?.note ?? ''),
      ...notes,
    ]
      .filter((line) => line !== '')
      .join('\n')}</p>`;
}
