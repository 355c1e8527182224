// Once before all tests in the browser: the demo as `npm run demo:build` makes it.

import { buildSite } from '../support/demo-site.ts';

export const setup = (): Promise<void> => buildSite(['--config', 'demo/vite.config.ts']);
