// SPDX-License-Identifier: MIT
// 256-bit invalidation descriptors: building and decoding.

import {
  VTD_DESCRIPTOR_SIZE,
  VTD_G_DOMAIN,
  VTD_G_PASID,
  VTD_G_PASID_PAGES,
  VTD_INV_AM,
  VTD_INV_CONTEXT,
  VTD_INV_DEVICE_TLB,
  VTD_INV_DID,
  VTD_INV_G,
  VTD_INV_IOTLB,
  VTD_INV_PASID_CACHE,
  VTD_INV_PASID_IOTLB,
  VTD_INV_S,
  VTD_INV_SID,
  VTD_INV_TYPE,
  VTD_INV_WAIT,
  VTD_WAIT_SW,
} from '../../assembly/layout/vtd-formats.ts';
import { fieldOf, setField } from '../plugin/index.ts';
import { addressOf, setAddress } from './vtd-structures.ts';

const WORDS = VTD_DESCRIPTOR_SIZE / 4;
const PAGE = 0x1000n;
/** Index of the doubleword with the address. */
const ADDRESS_AT = 1;

/** 4 KiB pages from an address on; the whole address space when absent. */
export interface PageRange {
  readonly address: bigint;
  /** A power of two; `address` is aligned to that many pages. */
  readonly pages: bigint;
}

/** The invalidation that a descriptor requests. */
export type Invalidation =
  | { readonly kind: 'context'; readonly sourceId: number }
  | { readonly kind: 'pasid-cache'; readonly did: number }
  | { readonly kind: 'domain'; readonly did: number }
  | { readonly kind: 'pasid'; readonly did: number; readonly range: PageRange | undefined }
  | {
      readonly kind: 'device-tlb';
      readonly sourceId: number;
      readonly range: PageRange | undefined;
    }
  | { readonly kind: 'wait'; readonly address: bigint | undefined; readonly data: number };

function descriptor(type: number): Uint32Array {
  const words = new Uint32Array(WORDS);
  setField(words, VTD_INV_TYPE, type);
  return words;
}

/**
 * The whole address space in the encoding of VTD_INV_DEVICE_TLB: ones from bit 12 to bit
 * 62.
 */
const EVERYTHING = 0x7fff_ffff_ffff_f000n;

const BUILDERS: {
  [K in Invalidation['kind']]: (what: Extract<Invalidation, { kind: K }>) => Uint32Array;
} = {
  context: ({ sourceId }) => {
    const words = descriptor(VTD_INV_CONTEXT);
    // Device-selective.
    setField(words, VTD_INV_G, 3);
    setField(words, VTD_INV_SID, sourceId);
    return words;
  },
  'pasid-cache': ({ did }) => {
    // Domain-selective.
    const words = descriptor(VTD_INV_PASID_CACHE);
    setField(words, VTD_INV_DID, did);
    return words;
  },
  domain: ({ did }) => {
    const words = descriptor(VTD_INV_IOTLB);
    setField(words, VTD_INV_G, VTD_G_DOMAIN);
    setField(words, VTD_INV_DID, did);
    return words;
  },
  pasid: ({ did, range }) => {
    const words = descriptor(VTD_INV_PASID_IOTLB);
    setField(words, VTD_INV_G, range ? VTD_G_PASID_PAGES : VTD_G_PASID);
    setField(words, VTD_INV_DID, did);
    if (range) {
      setField(words, VTD_INV_AM, log2(range.pages));
      setAddress(words, ADDRESS_AT, range.address);
    }
    return words;
  },
  'device-tlb': ({ sourceId, range }) => {
    const words = descriptor(VTD_INV_DEVICE_TLB);
    setField(words, VTD_INV_SID, sourceId);
    const several = !range || range.pages > 1n;
    if (several) setField(words, VTD_INV_S, 1);
    // The lowest 0 from bit 12 on encodes the number of pages.
    const ones = range ? (range.pages / 2n) * PAGE - PAGE : 0n;
    setAddress(words, ADDRESS_AT, range ? range.address | (several ? ones : 0n) : EVERYTHING);
    return words;
  },
  wait: ({ address, data }) => {
    const words = descriptor(VTD_INV_WAIT);
    if (address === undefined) return words;
    setField(words, VTD_WAIT_SW, 1);
    words[1] = data;
    words[2] = Number(address & 0xffffffffn);
    words[3] = Number(address >> 32n);
    return words;
  },
};

/** log2 of a power of two. */
export function log2(value: bigint): number {
  return value.toString(2).length - 1;
}

/** Encodes a descriptor as words. */
export function buildInvalidation<T extends Invalidation>(what: T): Uint32Array {
  const build = BUILDERS[what.kind] as unknown as (what: T) => Uint32Array;
  return build(what);
}

function deviceRange(words: Uint32Array): PageRange | undefined {
  const address = addressOf(words, ADDRESS_AT);
  if (fieldOf(words, VTD_INV_S) === 0) return { address, pages: 1n };
  let pages = 2n;
  while (pages < 1n << 52n && (address & ((pages / 2n) * PAGE)) !== 0n) pages *= 2n;
  return pages >= 1n << 51n ? undefined : { address: address & ~(pages * PAGE - 1n), pages };
}

/** Decodes a descriptor; undefined when this IOMMU does not support it. */
export function readInvalidation(words: Uint32Array): Invalidation | undefined {
  const did = fieldOf(words, VTD_INV_DID);
  switch (fieldOf(words, VTD_INV_TYPE)) {
    case VTD_INV_CONTEXT:
      return { kind: 'context', sourceId: fieldOf(words, VTD_INV_SID) };
    case VTD_INV_PASID_CACHE:
      return { kind: 'pasid-cache', did };
    case VTD_INV_IOTLB:
      return fieldOf(words, VTD_INV_G) === VTD_G_DOMAIN ? { kind: 'domain', did } : undefined;
    case VTD_INV_PASID_IOTLB: {
      const g = fieldOf(words, VTD_INV_G);
      if (g === VTD_G_PASID) return { kind: 'pasid', did, range: undefined };
      if (g !== VTD_G_PASID_PAGES) return undefined;
      const pages = 1n << BigInt(fieldOf(words, VTD_INV_AM));
      return {
        kind: 'pasid',
        did,
        range: { address: addressOf(words, ADDRESS_AT) & ~(pages * PAGE - 1n), pages },
      };
    }
    case VTD_INV_DEVICE_TLB:
      return {
        kind: 'device-tlb',
        sourceId: fieldOf(words, VTD_INV_SID),
        range: deviceRange(words),
      };
    case VTD_INV_WAIT: {
      const address = (BigInt(words[3] ?? 0) << 32n) | BigInt(((words[2] ?? 0) & ~3) >>> 0);
      const stores = fieldOf(words, VTD_WAIT_SW) === 1;
      return { kind: 'wait', address: stores ? address : undefined, data: words[1] ?? 0 };
    }
    default:
      return undefined;
  }
}
