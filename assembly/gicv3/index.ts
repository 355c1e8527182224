// SPDX-License-Identifier: MIT
// The GIC as a module: for the devices, and for callers in JavaScript. A CPU core is
// compiled with the same files, and calls them on the same memory.

export { irqAsserted } from './candidates';
export { iccRead, iccWrite } from './cpu-interface';
export { readDistributor, writeDistributor, writeDistributor8 } from './distributor';
export { pulseLine, setLine } from './interrupt';
export { readIts, resetIts, serveIts, translate, writeIts } from './its-frames';
export { readRedistributor, writeRedistributor, writeRedistributor8 } from './redistributor';
export { addLpis, applyRoutes, connect, reset } from './reset';
