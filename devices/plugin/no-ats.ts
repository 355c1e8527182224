// SPDX-License-Identifier: MIT
// What a device without ATS has, and one without page requests.

import type { AtsSettings, PageResponses } from './device-host.ts';

export const NO_ATS: AtsSettings = { enabled: false, pageRequests: false, silent: false };
export const NO_RESPONSES: PageResponses = { isWaiting: false, failed: false, unexpected: false };
