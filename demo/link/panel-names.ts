// SPDX-License-Identifier: MIT
// The page's panels, by the names that links have for them.

/** Where each of them is in the document. */
export const PANELS = {
  lesson: '#lesson',
  console: '.console',
  happened: '#strip',
  events: '#events',
  machines: '#machines',
  iotlb: '.tlb',
  exits: '.exits',
  records: '.eventq',
  try: '#try',
  charts: '#charts',
} as const;

export type PanelName = keyof typeof PANELS;

export const PANEL_NAMES = Object.keys(PANELS) as readonly PanelName[];
