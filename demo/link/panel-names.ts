// SPDX-License-Identifier: MIT
// The page's panels, by their names in links.

/** Selector of each panel in the document. */
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
