// SPDX-License-Identifier: MIT
// The terminal library, in a separate file: it is fetched when there is already something
// to see.

import '@xterm/xterm/css/xterm.css';

export { FitAddon } from '@xterm/addon-fit';
export { Terminal } from '@xterm/xterm';
