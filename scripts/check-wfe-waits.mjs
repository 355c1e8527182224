#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Four arm64 vCPUs on separate threads contend for a queued lock and wait by WFE: how
// long does the thread of a waiter run until it sees the release? Linux only. Exit status
// 1 if it is more than 2 ms in more than a few waits.
// `node scripts/check-wfe-waits.mjs [rounds]`.

import { areInTime, LIMIT_NS, lockWaits } from './timed-vcpus.mjs';

const [rounds = 2000] = process.argv.slice(2).map(Number);

const waits = await lockWaits(rounds);
const us = (/** @type {number} */ ns) => `${(ns / 1000).toFixed(0)} us`;
const sorted = waits.map(({ most }) => most).sort((a, b) => a - b);
const part = (/** @type {number} */ share) =>
  us(sorted[Math.floor(share * (sorted.length - 1))] ?? 0);
const least = Math.max(...waits.map((wait) => wait.least));
const late = waits.filter(({ most }) => most > LIMIT_NS).length;
const isGood = waits.length > 0 && areInTime(waits);
console.log(
  `${isGood ? 'ok    ' : 'FAILED'} ${waits.length} waits: running time until the release is seen at most ${part(0.5)} in half of them, ${part(0.99)} in 99 %, perhaps above ${us(LIMIT_NS)} in ${late}; the longest ${us(least)} or more`,
);
if (!isGood) process.exitCode = 1;
