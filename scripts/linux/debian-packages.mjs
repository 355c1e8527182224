// SPDX-License-Identifier: MIT
// Debian packages for another architecture or suite, fetched by apt with a separate apt
// state: nothing is installed. Signatures are checked. All files are stored in a cache
// outside of the project.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const { XDG_CACHE_HOME = join(homedir(), '.cache') } = process.env;

/** Folder of kernels, their sources and the builds of them. */
export const LINUX_CACHE = join(XDG_CACHE_HOME, 'vsmmu-linux');

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** The Debian mirror of this computer's apt. */
function mirrorOfApt() {
  const sites = execFileSync('apt-get', ['indextargets', '--format', '$(REPO_URI)'], {
    encoding: 'utf8',
  });
  const site = sites.split('\n').find((one) => /\/debian\/?$/.test(one));
  if (site === undefined) throw new Error('apt has no Debian source: set DEBIAN_MIRROR');
  return site;
}

/**
 * Options of apt by suite and architecture; their package lists have been fetched.
 * @type {Map<string, string[]>}
 */
const known = new Map();

export class DebianSuite {
  #folder;

  /** @param {string} suite "forky" @param {string} architecture "arm64" */
  constructor(suite, architecture) {
    this.suite = suite;
    this.architecture = architecture;
    this.#folder = join(LINUX_CACHE, architecture === 'arm64' ? suite : `${suite}-${architecture}`);
  }

  get #options() {
    const { suite, architecture } = this;
    const key = `${suite} ${architecture}`;
    const made = known.get(key);
    if (made) return made;
    const at = (/** @type {string} */ name) => join(this.#folder, name);
    for (const folder of ['lists/partial', 'cache/archives/partial', 'packages'])
      mkdirSync(at(folder), { recursive: true });
    const mirror = process.env.DEBIAN_MIRROR ?? mirrorOfApt();
    const source = `deb [arch=${architecture} signed-by=${KEYRING}] ${mirror} ${suite} main\n`;
    writeFileSync(at('sources.list'), source);
    const options = [
      `Dir::Etc::sourcelist=${at('sources.list')}`,
      'Dir::Etc::sourceparts=/dev/null',
      `Dir::State::Lists=${at('lists')}`,
      `Dir::Cache=${at('cache')}`,
      `APT::Architecture=${architecture}`,
      `APT::Architectures=${architecture}`,
      'APT::Sandbox::User=root',
    ].flatMap((option) => ['-o', option]);
    execFileSync('apt-get', [...options, '-qq', 'update']);
    known.set(key, options);
    return options;
  }

  /** @param {string} tool @param {string[]} args */
  #apt(tool, ...args) {
    const options = this.#options;
    const cwd = join(this.#folder, 'packages');
    return execFileSync(tool, [...options, ...args], { cwd, encoding: 'utf8' });
  }

  /** Names of packages, in apt's order. @param {string} pattern a regular expression */
  search(pattern) {
    return this.#apt('apt-cache', 'search', '--names-only', pattern).match(/^\S+/gm) ?? [];
  }

  /**
   * Fetches a package. Returns the folder into which it is unpacked.
   * @param {string} name
   */
  unpacked(name) {
    const folder = join(this.#folder, 'packages');
    const root = join(folder, name);
    if (!existsSync(root)) {
      const qualified = this.architecture === 'arm64' ? `${name}:arm64` : name;
      this.#apt('apt-get', '-qq', 'download', qualified);
      const file = readdirSync(folder).find((one) => one.startsWith(`${name}_`)) ?? '';
      execFileSync('dpkg-deb', ['-x', join(folder, file), root]);
    }
    return root;
  }
}

/** Files below a folder. @param {string} root @returns {string[]} */
export const filesBelow = (root) =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
