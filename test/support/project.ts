// SPDX-License-Identifier: MIT

import { fileURLToPath } from 'node:url';

/** Path of the project's folder, with a trailing separator. */
export const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
