// SPDX-License-Identifier: MIT
// Messages of the API on a command line, where its options are flags.

import { BOOT_SETTINGS } from './boot-settings.ts';
import { flagName } from './flags.ts';

const SETTINGS: Readonly<Record<string, (typeof BOOT_SETTINGS)[keyof typeof BOOT_SETTINGS]>> =
  BOOT_SETTINGS;

/** Names of options that are no words: wherever one stands, the option is meant. */
const NO_WORDS = Object.keys(BOOT_SETTINGS).filter(
  (name) => /[A-Z]/.test(name) || ['vintfs', 'vcmdqs', 'vcpus', 'btm', 'smmus'].includes(name),
);
const ANYWHERE = new RegExp(`(?<![\\w-])(?:${NO_WORDS.join('|')})(?!\\w)`, 'g');
/** Any other option is meant where a message says what it must be, or what another needs. */
const FIRST = /^([a-z]\w*)(?= (?:is|must|needs|has|of)\b)/;
const NEEDED = /(?<=\bneeds? )([a-z]\w*)/;

/** The message with the flags in place of the options' names in the API. */
export function asTyped(message: string): string {
  const typed = (name: string) => {
    const isFlag = name !== 'guest' && Object.hasOwn(SETTINGS, name);
    const schema = isFlag ? SETTINGS[name] : undefined;
    return schema ? flagName(name, schema) : name;
  };
  return message.replace(FIRST, typed).replace(NEEDED, typed).replace(ANYWHERE, typed);
}
