// SPDX-License-Identifier: MIT
// What draws consoles, in a file of its own: it is fetched when there is something else to see.

import '@xterm/xterm/css/xterm.css';

export { FitAddon } from '@xterm/addon-fit';
export { Terminal } from '@xterm/xterm';
