// SPDX-License-Identifier: MIT
// Exports of the SMMU core (the file's name is the import module's name).

export declare function accessBegin(): void;
export declare function accessEnd(): void;
export declare function translate(
  smmu: usize,
  sid: u32,
  ssid: i32,
  iovaLo: u32,
  iovaHi: u32,
  attributes: u32,
): i32;
