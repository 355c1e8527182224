// SPDX-License-Identifier: MIT
// The VCMDQ drain's export that a guest's runtime calls (the file's name is the import
// module's name).

export declare function doorbell(id: u32, offset: u32): void;
