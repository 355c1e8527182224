// SPDX-License-Identifier: MIT
// Replaces option names in messages of the API by the flags of the command line.

import { BOOT_SETTINGS } from './boot-settings.ts';
import { flagName } from './flags.ts';

const SETTINGS: Readonly<Record<string, (typeof BOOT_SETTINGS)[keyof typeof BOOT_SETTINGS]>> =
  BOOT_SETTINGS;

/** Option names that are not English words: wherever one occurs, it means the option. */
const NO_WORDS = Object.keys(BOOT_SETTINGS).filter(
  (name) => /[A-Z]/.test(name) || ['vintfs', 'vcmdqs', 'vcpus', 'btm', 'smmus'].includes(name),
);
const ANYWHERE = new RegExp(`(?<![\\w-])(?:${NO_WORDS.join('|')})(?!\\w)`, 'g');
/** Other names mean the option only if a message says what it must be, or what needs it. */
const FIRST = /^([a-z]\w*)(?= (?:is|must|needs|has|of)\b)/;
const NEEDED = /(?<=\bneeds? )([a-z]\w*)/;

/** The message, with the flags instead of the option names of the API. */
export function asTyped(message: string): string {
  const typed = (name: string) => {
    const isFlag = name !== 'guest' && Object.hasOwn(SETTINGS, name);
    const schema = isFlag ? SETTINGS[name] : undefined;
    return schema ? flagName(name, schema) : name;
  };
  return message.replace(FIRST, typed).replace(NEEDED, typed).replace(ANYWHERE, typed);
}
