// SPDX-License-Identifier: MIT
// The data path of each VM: guest, doorbell page, rings.

import { html, nothing, type TemplateResult } from 'lit-html';
import type { EntryPicture, QueuePicture, VmPicture } from '../protocol.ts';
import { hex, short } from './page-text.ts';

const ERRORS: Readonly<Record<number, string>> = {
  1: 'CERROR_ILL',
  2: 'CERROR_ABT',
  3: 'CERROR_ATC_INV_SYNC',
};
const STATES: Readonly<Record<EntryPicture['state'], string>> = {
  done: 'consumed in this lap; the SMMU does not look at it any more',
  next: 'at CONS: the next one that the SMMU takes',
  pending: 'between CONS and PROD: waits for its turn',
  earlier: 'left from an earlier lap and consumed then; the guest writes here next',
  written: 'written, but PROD does not cover it: the SMMU does not look at it',
  empty: 'not written yet',
};
const MARKS: Readonly<Record<EntryPicture['at'], string>> = {
  '': '',
  PROD: 'PROD',
  CONS: 'CONS',
  both: 'P = C',
};

function entry({ slot, state, at, name, operands, summary }: EntryPicture): TemplateResult {
  const explains =
    name === ''
      ? `Entry ${slot}: ${STATES[state]}.`
      : `Entry ${slot}, ${name}${operands === '' ? '' : ` (${operands})`}: ${summary}; ` +
        `${STATES[state]}.`;
  return html`<li class=${state} data-at=${at} data-explain=${explains} tabindex="-1"><span
      class="mark">${MARKS[at]}</span><span class="slot">${slot}</span><span class="command">${name}</span><span
      class="operands">${operands}</span></li>`;
}

const PATHS: Readonly<Record<QueuePicture['path'], string>> = {
  direct: "PROD and CONS lie in guest memory, so the guest's store to PROD is no exit.",
  trapped: 'its registers trap, so each store to PROD and each look at CONS is an exit.',
  ecmdq:
    'PROD and CONS lie in guest memory, EN and ERRACK with them, so no store to PROD is an exit.',
  overlay:
    'eight bytes of it, PROD and CONS, lie in guest memory: a guest without a driver for ' +
    'CMDQV rings it without an exit.',
};

/** PROD or CONS: the register, and the meaning of its index and wrap bit. */
function place(name: 'prod' | 'cons', value: number, lap: number, size: number, what: string) {
  const register = name.toUpperCase();
  return html`<div tabindex="-1"
      data-explain=${
        `${register}: ${what}. The register has ${value}: entry ${value % size} of ${size}, wrap ` +
        `bit ${Math.floor(value / size)}; it is lap ${lap} around the ring.`
      }><dt>${register}</dt><dd data-place=${name}>${value % size}, lap ${short(lap)}<data
      hidden data-value=${name}>${value}</data></dd></div>`;
}

function queue(vm: string, picture: QueuePicture): TemplateResult {
  const {
    name,
    path,
    enabled,
    size,
    prod,
    cons,
    prodLap,
    consLap,
    error,
    commands,
    syncs,
    rewrites,
    entries,
    gerror,
    gerrorn,
    status,
  } = picture;
  const about = `${name}: ${PATHS[path]}`;
  const stopped = gerror !== gerrorn ? ', stopped' : '';
  return html`<article class="queue ${path}" data-queue="${vm} ${name}" tabindex="0"
      data-explain=${about}>
    <h3>${name} <small>${path}${enabled ? nothing : ', off'}${stopped}</small></h3>
    <dl>
      ${place('prod', prod, prodLap, size, 'where the guest writes next')}
      ${place('cons', cons, consLap, size, 'where the SMMU reads next; at PROD all is consumed')}
      <div data-explain="CONS.ERR: why the queue stopped last." tabindex="-1"><dt>ERR</dt><dd
          class=${error === 0 ? '' : 'bad'}
        >${error === 0 ? '0' : (ERRORS[error] ?? error)}</dd></div>
      <div class=${stopped === '' ? '' : 'bad'} tabindex="-1"
          data-explain=${
            'GERROR and GERRORN: they differ from an error on, until the driver has acknowledged ' +
            'it.'
          }><dt>GERROR</dt><dd>${hex(gerror)} / ${hex(gerrorn)}</dd></div>
      ${
        status === undefined
          ? nothing
          : html`<div data-explain="STATUS: bit 0, the queue is enabled, and runs."
          tabindex="-1"><dt>STATUS</dt><dd>${hex(status)}</dd></div>`
      }
    </dl>
    <ol aria-label="Ring of ${size} entries around CONS">${entries.map(entry)}</ol>
    <p class="counts"
        data-explain=${
          'Commands executed by the drain (not those for the host, such as CFGI_STE), CMD_SYNCs ' +
          'among them, and commands whose VMID or StreamID it replaced.'
        } tabindex="-1">
      ${short(commands)}\u00a0commands \u00b7 ${short(syncs)}\u00a0syncs
      \u00b7 ${short(rewrites)}\u00a0rewritten
    </p>
  </article>`;
}

/** The interface between the guest and its queues. */
function doorbellText({ overlay, mapped }: VmPicture): string {
  if (overlay) {
    return mapped
      ? 'CMDQ_PROD and CMDQ_CONS are mapped into the guest: a store to PROD goes to guest ' +
          'memory, and the doorbell calls the drain, Wasm to Wasm.'
      : 'CMDQ_PROD and CMDQ_CONS are not mapped: the queue is not enabled, or stands at an ' +
          'error, and traps meanwhile.';
  }
  return mapped
    ? 'Page 0 of the VINTF is mapped into the guest: stores to PROD go to guest memory, and ' +
        'the doorbell calls the drain, Wasm to Wasm.'
    : 'Page 0 of the VINTF is not mapped: the VINTF is not enabled, or its registers trap.';
}

/** The cost of an invalidation for the host. */
function cost({ overlay, exits, interventions }: VmPicture): TemplateResult {
  return overlay
    ? html`<div class="node" tabindex="-1"
        data-explain=${
          'Commands that the drain leaves to the host, which carries them out while the queue ' +
          'waits: what is no invalidation.'
        }>
        <b>host steps in</b><span><i
            data-value="interventions">${short(interventions)}</i> \u00d7</span>
      </div>
      <div class="node" tabindex="-1"
          data-explain="Exits while an invalidation on the overlaid CMDQ was under way.">
        <b>during TLBI</b><span><i
            data-value="overlay-exits">${short(exits.duringCmdq)}</i> exits</span>
      </div>`
    : html`<div class="node" tabindex="-1"
        data-explain=${
          'Exits while an invalidation was under way: on VCMDQs, what CMDQV is there to avoid; ' +
          'on the trapped CMDQ, each store to PROD and each look at CONS.'
        }>
        <b>during TLBI</b><span>VCMDQ <i
            data-value="direct-exits">${short(exits.duringDirect)}</i> \u00b7 CMDQ <i
            data-value="trapped-exits">${short(exits.duringCmdq)}</i> exits</span>
      </div>`;
}

/** A machine, its data path, and its queues. */
export function machine(vm: VmPicture): TemplateResult {
  const { name, vmid, vintf, streams, status, reason, overlay, mapped, doorbells, queues, exits } =
    vm;
  const [virtual = 0, physical = 0] = streams[0] ?? [];
  return html`<section class="panel machine" data-vm=${name} aria-label=${name}>
    <h2 tabindex="0"
        data-explain=${
          `One virtual machine: its guest sees VMID-less commands and StreamID ${hex(virtual)}; ` +
          `the host made VMID ${vmid} and StreamID ${hex(physical)} of it.`
        }>
      ${name} <span class="status ${status}">${status}</span>
      <small>VMID ${vmid} \u00b7 ${overlay ? 'no CMDQV' : `VINTF ${vintf}`}
        \u00b7 StreamID ${hex(virtual)} \u2192 ${hex(physical)}</small>
    </h2>
    ${reason === '' ? nothing : html`<p class="bad" role="alert">${reason}</p>`}
    <div class="flow">
      <div class="node" tabindex="-1"
          data-explain=${
            'The guest: a program whose ways out are all counted. Looks at the clock for this ' +
            'page\u2019s figures are counted apart.'
          }>
        <b>guest</b><span><i
            data-value="exits">${short(exits.total - exits.measuring)}</i> exits</span>
      </div>
      <span class="arrow" aria-hidden="true">\u2192</span>
      <div class="node ${mapped ? 'on' : ''}" tabindex="-1" data-explain=${doorbellText(vm)}>
        <b>doorbell</b><span>${mapped ? html`${short(doorbells)} rings` : 'not mapped'}</span>
      </div>
      <span class="arrow" aria-hidden="true">\u2192</span>
      ${cost(vm)}
    </div>
    <div class="queues">${queues.map((picture) => queue(name, picture))}</div>
  </section>`;
}
