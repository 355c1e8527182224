// SPDX-License-Identifier: MIT
// The initial lines of "Edit and run": what the page's experiment does.

const STALE = `# The driver takes a page from the device.
map 0x1000 page 0
dma read 0x1000
unmap 0x1000
dma read 0x1000   # stale: the IOTLB still has it
tlbi va 0x1000
sync
dma read 0x1000   # faults
`;

const REUSE = `# The driver takes a page from the device, and gives it
# another one. Delete the line with tlbi, and run again.
map 0x1000 page 0
dma read 0x1000
unmap 0x1000
tlbi va 0x1000
sync
map 0x1000 page 1
dma read 0x1000
`;

const FORGOTTEN = `# Between unmap and sync a line is missing: tlbi va 0x1000
map 0x1000 page 0
dma read 0x1000
unmap 0x1000
sync
dma read 0x1000
`;

const CD = `# Between cd off and sync a line is missing: cfgi cd
map 0x1000 page 0
dma read 0x1000
cd off
sync
dma read 0x1000
`;

const STE = `# Between ste abort and sync a line is missing: cfgi ste
map 0x1000 page 0
dma read 0x1000
ste abort
sync
dma read 0x1000
`;

const BY_EXPERIMENT: Readonly<Record<string, string>> = {
  'stale-dma': STALE,
  'forget-tlbi': FORGOTTEN,
  'forget-cfgi-cd': CD,
  'forget-cfgi-ste': STE,
};

export function firstLines(experiment: string): string {
  return (Object.hasOwn(BY_EXPERIMENT, experiment) && BY_EXPERIMENT[experiment]) || REUSE;
}
