// SPDX-License-Identifier: MIT
// Export and sharing: links, lines for another page, consoles, traces.

import type { Remote } from 'comlink';
import { findExperiment } from '../../vmm/boards/index.ts';
import type { Settings } from '../demo-settings.ts';
import { guestText } from '../link/guest-text.ts';
import { embedSnippet, linkOf } from '../link/page-link.ts';
import { type Place, placeForLink } from '../link/place.ts';
import type { Frame, PickedGuest, Picture, Vmm } from '../protocol.ts';
import { copyText } from './copy-text.ts';
import { COPIED_MS, NO_CLIPBOARD } from './notices.ts';
import { openPanel } from './open-panel.ts';
import { openInPerfetto } from './perfetto.ts';
import { saveFile } from './save-file.ts';
import { showUrl } from './write-url.ts';

/** The parts of the page that sharing uses. */
export interface SharedPage {
  /** Calls the machines' worker, after previous requests. */
  ask<T>(call: (vmm: Remote<Vmm>) => Promise<T>): Promise<T>;
  /** The settings chosen last. */
  readonly chosen: Settings;
  readonly guest: PickedGuest | undefined;
  /** The machines in their current state. */
  readonly picture: Picture | undefined;
  /**
   * They are not requested to run, and no others are in the making or on their way to
   * their first place.
   */
  readonly standing: boolean;
  /** The event that is shown. */
  readonly frame: Frame | undefined;
  console(vm: number): string;
  /** Shows messages in the line below the controls; nothing clears them. */
  say(...lines: readonly string[]): void;
  drawn(): Promise<void>;
}

const tooLarge = ({ name }: PickedGuest) =>
  `${name} is too large for a link: whoever opens this one gets the toy. Put the guest on a ` +
  'server that allows it (CORS), and add guest=URL.';

type Copied = 'link' | 'embed' | '';

export class Sharing {
  readonly #page: SharedPage;
  #copied: Copied = '';

  constructor(page: SharedPage) {
    this.#page = page;
  }

  /** What was copied just now. */
  get copied(): Copied {
    return this.#copied;
  }

  /** The current place of the page. Running machines have no step. */
  get #place(): Place {
    const { picture, standing, frame } = this.#page;
    const stands = standing && (picture?.state === 'paused' || frame !== undefined);
    return {
      step: stands ? picture?.steps : undefined,
      event: frame?.number,
      panel: openPanel(),
    };
  }

  /** The form of the guest in a link; undefined when it is not in it. */
  async #guestLink(): Promise<string | undefined> {
    const { guest } = this.#page;
    if (!guest || guest.link !== undefined) return guest?.link;
    return guest.kind === 'wasm' ? await guestText(guest.name, guest.bytes) : undefined;
  }

  /** Copies a link to the page's current place. */
  copyLink(): void {
    this.#shareLink().catch(reportError);
  }

  async #shareLink(): Promise<void> {
    const here = new URL(location.href);
    const { chosen, guest: chosenGuest } = this.#page;
    const { place, lost } = placeForLink(this.#place);
    const guest = await this.#guestLink();
    const link = `${here.pathname}${linkOf(chosen, here, { place, guest })}`;
    const notes = [...lost, ...(chosenGuest && guest === undefined ? [tooLarge(chosenGuest)] : [])];
    this.#page.say(...notes);
    if (await this.#copy('link', new URL(link, here).href)) return;
    showUrl(link);
    this.#page.say(...notes, NO_CLIPBOARD);
  }

  /** Copies the lines that show this experiment in another page. */
  copyEmbed(): void {
    const { chosen } = this.#page;
    const title = findExperiment(chosen.experiment)?.title ?? 'an SMMUv3 with CMDQV at work';
    const lines = embedSnippet(chosen, new URL(location.href), title);
    this.#page.say();
    this.#copy('embed', lines)
      .then((copied) => {
        if (!copied) this.#page.say('The browser keeps the clipboard from this page:', lines);
      })
      .catch(reportError);
  }

  async #copy(what: Copied, text: string): Promise<boolean> {
    if (!(await copyText(text))) return false;
    this.#copied = what;
    await this.#page.drawn();
    setTimeout(() => {
      this.#copied = '';
      this.#page.drawn().catch(reportError);
    }, COPIED_MS);
    return true;
  }

  saveConsole(vm: number, name: string): void {
    saveFile(`vsmmu-${name}.txt`, `${this.#page.console(vm).trimEnd()}\n`, 'text/plain');
  }

  #trace(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#page.ask((vmm) => vmm.trace());
  }

  saveTrace(): void {
    this.#trace()
      .then((trace) => saveFile('vsmmu-trace.json.gz', trace, 'application/gzip'))
      .catch((error: unknown) => this.#page.say(`The trace: ${(error as Error).message}.`));
  }

  openTrace(): void {
    openInPerfetto(() => this.#trace())
      .then((why) => this.#page.say(...(why === '' ? [] : [why])))
      .catch((error: unknown) => this.#page.say(`The trace: ${(error as Error).message}.`));
  }
}
