// SPDX-License-Identifier: MIT
// One event at a time: what happened, the registers of its queue, and buttons to the next
// and previous event.

import { html, nothing, type TemplateResult } from 'lit-html';
import { live } from 'lit-html/directives/live.js';
import type { EventKind, Frame, Picture, QueuePicture, SessionFacts } from '../protocol.ts';
import type { Actions } from './controls.ts';
import { EVENT_FILTERS, type EventFilter, type EventSteps } from './event-steps.ts';
import { hex } from './page-text.ts';
import { traceTools } from './trace-tools.ts';

const KINDS: Readonly<Record<EventKind, readonly [name: string, explains: string]>> = {
  entry: ['entry written', 'The guest writes a command into the ring; the SMMU does not know yet.'],
  prod: [
    'PROD stored',
    'The guest says how far it has written: from here on the commands are due.',
  ],
  doorbell: [
    'doorbell',
    'The guest calls the drain: WebAssembly calls WebAssembly, and no VMM runs.',
  ],
  exit: ['exit', 'Control leaves the guest for the VMM: what CMDQV is there to avoid.'],
  fetch: ['command fetched', 'The SMMU reads the entry at CONS and begins to carry it out.'],
  host: [
    'for the host',
    'The drain leaves the command alone: the host carries it out at the next exit.',
  ],
  replace: [
    'ID replaced',
    'What a guest writes for VMID and StreamID is replaced, so that it cannot name its neighbour\u2019s.',
  ],
  'tlb-in': ['IOTLB filled', 'A walk of the tables has come to an end, and is kept.'],
  'tlb-out': ['IOTLB entry dies', 'No lookup uses the entry any more.'],
  cons: ['CONS published', 'The command and its effects are done, and the guest may see it.'],
  error: [
    'error',
    'The queue stops for its own guest alone, until the driver acknowledges the error.',
  ],
  acknowledge: ['acknowledged', 'GERRORN is like GERROR again: the queue may go on.'],
  registers: ['registers', 'Something has been enabled, mapped, or set.'],
  interrupt: ['interrupt', 'A device asks for the attention of a vCPU.'],
  record: [
    'event record',
    'The SMMU tells the guest\u2019s driver of a fault, in its event queue.',
  ],
  'dma-hit': ['DMA, hit', 'The IOTLB has the translation; the tables are not looked at.'],
  'dma-walk': ['DMA, walk', 'The IOTLB does not have the translation; the tables are walked.'],
  'dma-fault': ['DMA, fault', 'There is no translation that allows the access.'],
  check: ['check', 'The guest compares what it sees with what it expects.'],
  suspect: ['stale hit', 'The device has used a translation that the tables no longer bear out.'],
  finding: ['finding', 'The invalidation that a stale entry needs has not come.'],
};

const ERRORS: Readonly<Record<number, string>> = { 1: 'ILL', 2: 'ABT', 3: 'ATC_INV_SYNC' };

function register(name: string, value: string, explains: string, isBad = false): TemplateResult {
  return html`<div tabindex="-1" data-explain=${explains}><dt>${name}</dt><dd
      class=${isBad ? 'bad' : ''} data-register=${name}>${value}</dd></div>`;
}

/** The registers of a queue. */
function registers(vm: string, queue: QueuePicture): TemplateResult {
  const { name, prod, cons, error, gerror, gerrorn, status } = queue;
  const failed = gerror !== gerrorn;
  const code = error === 0 ? '0' : `CERROR_${ERRORS[error] ?? error}`;
  return html`<dl class="registers" aria-label="Registers of ${name}">
    <div class="of"><dt>${vm}</dt><dd>${name}</dd></div>
    ${register('PROD', String(prod), 'How far the guest has written, with the wrap bit.')}
    ${register('CONS', String(cons), 'How far the SMMU has come, with the wrap bit.')}
    ${register('CONS.ERR', code, 'Why the queue has stopped last.', error !== 0)}
    ${register('GERROR', hex(gerror), 'The SMMU toggles its bit when the queue stops.', failed)}
    ${register(
      'GERRORN',
      hex(gerrorn),
      'The driver makes it like GERROR when it has dealt with the error; until then the queue is stopped.',
      failed,
    )}
    ${
      status === undefined
        ? nothing
        : register('STATUS', hex(status), 'Bit 0: the queue is enabled, and runs.')
    }
  </dl>`;
}

const OLDEST =
  'No older event is kept. New machines take the same steps: Reset to step 0, or a link with step=N.';

/** The queue of an event, otherwise a queue of its machine with work. */
function queueOf(frame: Frame, { vms }: Picture): readonly [vm: string, QueuePicture] | undefined {
  const vm = vms.find(({ name }) => name === frame.vm) ?? vms[0];
  const queue =
    vm?.queues.find(({ name }) => name === frame.mark.queue) ??
    vm?.queues.find(({ prod, cons, gerror, gerrorn }) => prod !== cons || gerror !== gerrorn) ??
    vm?.queues[0];
  return vm && queue ? [vm.name, queue] : undefined;
}

function happened(steps: EventSteps, picture: Picture | undefined): TemplateResult {
  const { frame, recorded, heading } = steps;
  // Not in the live region: it changes all the time.
  if (heading !== undefined)
    return html`<p class="event" data-heading=${heading}>Running to event ${heading}: ${Math.max(0, recorded.last)}</p>`;
  if (!frame)
    return html`<p class="event" aria-live="polite">${
      recorded.stopped ||
      (picture?.state === 'running'
        ? 'The machines run; back and forward pause them.'
        : 'Nothing has happened yet: Forward lets the machines begin.')
    }</p>`;
  const [name, explains] = KINDS[frame.kind];
  const queue = picture && queueOf(frame, picture);
  return html`<p class="event ${frame.kind}" aria-live="polite" data-event=${frame.kind}
      data-number=${frame.number}><b tabindex="-1"
      data-explain=${explains}>${name}</b> ${frame.text}${
        recorded.stopped === '' ? nothing : html` <em class="bad">${recorded.stopped}</em>`
      }${steps.isOldest ? html` <em id="oldest">${OLDEST}</em>` : nothing}</p>
    ${queue ? registers(...queue) : nothing}`;
}

function controls(steps: EventSteps): TemplateResult {
  const { frame, recorded, playing, filter } = steps;
  const { first, last } = recorded;
  const at = frame?.number ?? Math.max(first, last);
  const seek = (event: Event) => steps.go(Number((event.target as HTMLInputElement).value));
  return html`<div class="event-controls">
    <button type="button" id="event-back" ?disabled=${last < first || at <= first}
        aria-keyshortcuts="ArrowLeft" @click=${() => steps.back()}
        data-explain="The event before, and the machines as they were then (left arrow).">\u25c0 Back</button>
    <button type="button" id="event-forward" class="primary" aria-keyshortcuts="ArrowRight"
        @click=${() => steps.forward()}
        data-explain="The next event; after the last one the machines take a step (right arrow)."
      >Forward \u25b6</button>
    <button type="button" id="event-play" aria-pressed=${playing} @click=${() => steps.togglePlay()}
        data-explain="One event after the other, a little less than a second each."
      >${playing ? 'Stop' : 'Play slowly'}</button>
    <input type="range" id="event-range" aria-label="Event" .min=${String(first)}
        .max=${String(Math.max(first, last))} .value=${live(String(at))} ?disabled=${last < first}
        @input=${seek} data-explain="All events that are recorded: the last few thousand." />
    <output for="event-range" id="event-number">${last < first ? '\u2013' : `${at} of ${last}`}</output>
    <label data-explain=${
      'What Forward and Back go through; the range has all events. Turning points: PROD, entries ' +
      'that die, errors, faults, records, interrupts, what the sanitizer finds.'
    }>stops at
      <select id="event-filter" @change=${(event: Event) =>
        steps.choose((event.target as HTMLSelectElement).value as EventFilter)}>
        ${Object.keys(EVENT_FILTERS).map(
          (name) => html`<option value=${name} .selected=${live(name === filter)}>${name}</option>`,
        )}
      </select></label>
  </div>`;
}

/**
 * Left and right go back and forward anywhere in the panel, except in its range control.
 */
function onKey(event: KeyboardEvent, steps: EventSteps): void {
  if (event.target instanceof HTMLInputElement && event.target.type === 'range') return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
  event.preventDefault();
  // Otherwise the arrow keys go from one explanation to the next.
  event.stopPropagation();
  if (event.key === 'ArrowLeft') steps.back();
  else steps.forward();
}

/**
 * The panel.
 * @param picture the machines as they are shown.
 * @param facts of the current machines.
 */
export function eventPanel(
  steps: EventSteps,
  picture: Picture | undefined,
  facts: SessionFacts | undefined,
  actions: Actions,
): TemplateResult {
  const look = () => actions.set('events', steps.on ? 'no' : 'yes');
  const head = html`<h2 tabindex="0"
      data-explain=${
        'Between two pictures lies one event: an entry, PROD, a command, an IOTLB entry that dies, ' +
        'an interrupt. All panels show the machines as of it.'
      }>One event at a time</h2>`;
  if (!steps.on)
    return html`<div class="closer">${head}
      <button type="button" id="look-closer" @click=${look}
          data-explain="New machines, paused at their beginning, of which every event is recorded."
        >Look closer</button>
      ${traceTools(facts?.traced === true, actions)}
      <p class="hint">Every command, exit and interrupt by itself, forward and back.</p>
    </div>`;
  return html`<div class="stepper" @keydown=${(event: KeyboardEvent) => onKey(event, steps)}>
    <div class="closer">${head}
      <button type="button" id="look-away" @click=${look}
          data-explain="New machines, at full pace, without a recording.">Look from afar</button>
      ${traceTools(facts?.traced === true, actions)}
    </div>
    <div class="event-now">${happened(steps, picture)}</div>
    ${controls(steps)}
  </div>`;
}

let marked: readonly Element[] = [];

/** The elements of the page that an event is about. */
function* aboutEvent({ vm, mark, kind }: Frame): Generator<Element | null | undefined> {
  const queue =
    mark.queue === undefined
      ? undefined
      : document.querySelector(`[data-queue="${CSS.escape(vm)} ${CSS.escape(mark.queue)}"]`);
  yield queue;
  if (mark.slot !== undefined)
    for (const entry of queue?.querySelectorAll('ol > li') ?? [])
      if (entry.querySelector('.slot')?.textContent === String(mark.slot)) yield entry;
  const panel = { 'tlb-in': '.tlb', 'tlb-out': '.tlb', record: '.eventq', exit: '.exits' };
  if (kind in panel) yield document.querySelector(panel[kind as keyof typeof panel]);
}

/** Marks the elements that an event is about, and no others. */
export function markEvent(frame: Frame | undefined): void {
  const found = frame
    ? [...aboutEvent(frame)].filter((one) => one !== null && one !== undefined)
    : [];
  for (const one of marked) if (!found.includes(one)) one.removeAttribute('data-marked');
  for (const one of found) one.setAttribute('data-marked', '');
  marked = found;
}
