// SPDX-License-Identifier: MIT

export * from './create-wasi.ts';
export * from './wasi-host.ts';
