// SPDX-License-Identifier: MIT
// The header for guests in C: the guest ABI (docs/guest-abi.md), register accesses with
// direct maps, interrupts and safe points, and the registers and structures of PL011,
// SMMUv3 (IHI 0070), CMDQV (docs/cmdqv.md) and the DMA engine.
//
// It needs clang, with --target=wasm32 -matomics -mbulk-memory (docs/guests.md has the
// linker's options), and no C library. A memory offset is an address as used by C, a gpa
// is an address as used by devices.

#ifndef VSMMU_H
#define VSMMU_H

#include <stdint.h>

// A field: the 32-bit word of the structure that contains it (0 for a register), its
// lowest bit, its width in bits.
#define VSMMU_FIELD(word, bit, width) \
  ((uint32_t)(word) << 16 | (uint32_t)(bit) << 8 | (uint32_t)(width))

// Constants. scripts/c-header.mjs generates the text between "begin" and "end" from the
// named file.

// begin assembly/layout/guest-abi.ts
/* Version of this ABI; a reactor exports it as the global `vsmmu_abi`. */
#define ABI_VERSION 1u
/* Guests link above the ABI area. */
#define ABI_AREA_SIZE 0x100000u
/* Bytes of a page of the direct-map area. */
#define ABI_PAGE_SIZE 0x10000u
/* First of the 15 pages of 64 KiB that back directly mapped device pages. */
#define ABI_DIRECT_PAGES 0x10000u
/* Pages that back directly mapped device pages. */
#define ABI_DIRECT_PAGE_COUNT 15u

// Info page, written by the host.
/* Value of ABI_AT_MAGIC: "VMSU". */
#define ABI_MAGIC 0x55534d56u
/* u32: ABI_MAGIC. */
#define ABI_AT_MAGIC 0x000u
/* u32: ABI_VERSION of the host. */
#define ABI_AT_VERSION 0x004u
/* GPA of memory offset 0: gpa = offset + base. RAM is the memory above the ABI area. */
#define ABI_AT_RAM_GPA_BASE 0x008u
/* Bytes of guest memory, the ABI area included. */
#define ABI_AT_MEMORY_SIZE 0x00cu
/* u32: vCPUs of the machine (informational). */
#define ABI_AT_VCPUS 0x010u
/* u32: index of the machine on its host, from 0. */
#define ABI_AT_MACHINE 0x014u

// Devices: a table in place of a device tree.
/* u32: entries of the device table, 0 to ABI_MAX_DEVICES. */
#define ABI_AT_DEVICE_COUNT 0x020u
/* The device table: entries of ABI_DEVICE_SIZE bytes. */
#define ABI_AT_DEVICES 0x100u
/* Most entries of the device table. */
#define ABI_MAX_DEVICES 16u
/* Bytes of an entry of the device table. */
#define ABI_DEVICE_SIZE 32u
/* Kind: four ASCII characters, first in the low byte. */
#define ABI_DEVICE_KIND 0x00u
/* u32 in a device entry: gpa of its registers. */
#define ABI_DEVICE_GPA 0x04u
/* u32 in a device entry: bytes of its registers. */
#define ABI_DEVICE_REGION_SIZE 0x08u
/*
 * First interrupt line; the device's lines follow each other. ABI_NO_IRQ when it has
 * none.
 */
#define ABI_DEVICE_IRQ 0x0cu
/* StreamID of a bus master (as the guest's SMMU numbers it), or ABI_NO_STREAM. */
#define ABI_DEVICE_STREAM 0x10u
/*
 * u32 in a device entry: number of the SMMU that translates for a bus master, that a
 * CMDQV belongs to, or that this is, from 0 to ABI_MAX_SMMUS - 1.
 */
#define ABI_DEVICE_SMMU 0x14u
/* Most SMMUs of a machine. */
#define ABI_MAX_SMMUS 4u
/* ABI_DEVICE_IRQ of a device without an interrupt line. */
#define ABI_NO_IRQ 0xffffffffu
/* ABI_DEVICE_STREAM of a device that is no bus master. */
#define ABI_NO_STREAM 0xffffffffu
/* ABI_DEVICE_KIND of the SMMU. */
#define ABI_KIND_SMMUV3 0x33756d73u // "smu3"
/* ABI_DEVICE_KIND of the CMDQV. */
#define ABI_KIND_CMDQV 0x76646d63u // "cmdv"
/* ABI_DEVICE_KIND of the UART. */
#define ABI_KIND_PL011 0x74726175u // "uart"
/* ABI_DEVICE_KIND of the DMA engine. */
#define ABI_KIND_DMA 0x65616d64u // "dmae"
/* ABI_DEVICE_KIND of the checkpoint device. */
#define ABI_KIND_CHECKPOINT 0x74706b63u // "ckpt"
/* ABI_DEVICE_KIND of an AMD IOMMU. */
#define ABI_KIND_AMD_IOMMU 0x69646d61u // "amdi"

// Interrupts: 128 lines. Edge: the host sets a bit, the guest clears it. Level: only the
// host sets and clears the bit.
/*
 * One bit for each of the ABI_IRQ_LINES lines, 32 per word: an edge has arrived since the
 * guest cleared the bit.
 */
#define ABI_AT_IRQ_EDGE 0x300u
/* One bit for each of the ABI_IRQ_LINES lines, 32 per word: the level of the line. */
#define ABI_AT_IRQ_LEVEL 0x310u
/* Interrupt lines of a machine. */
#define ABI_IRQ_LINES 128u

// Direct maps: accesses to these ranges use guest memory instead of causing an exit.
/* Raised by the host whenever the table changes. */
#define ABI_AT_MAP_EPOCH 0x380u
/*
 * One word per vCPU: the epoch that it has seen, stored by the guest at its safe points.
 */
#define ABI_AT_MAP_ACK 0x384u
/* Most vCPUs of a machine. */
#define ABI_MAX_VCPUS 16u
/* u32: entries of the direct-map table, 0 to ABI_MAX_MAPS. */
#define ABI_AT_MAP_COUNT 0x3fcu
/* The direct-map table: entries of ABI_MAP_SIZE bytes. */
#define ABI_AT_MAPS 0x400u
/* Most entries of the direct-map table. */
#define ABI_MAX_MAPS 16u
/* Bytes of an entry of the direct-map table. */
#define ABI_MAP_SIZE 32u
/* u32 in a map entry: gpa of the first mapped byte. */
#define ABI_MAP_GPA 0x00u
/* Bytes; 0 is a free slot. */
#define ABI_MAP_LENGTH 0x04u
/* Guest-memory offset of the first byte. */
#define ABI_MAP_OFFSET 0x08u
/* ABI_MAP_FLAG_*. */
#define ABI_MAP_FLAGS 0x0cu
/* First argument of the doorbell import for stores to this range. */
#define ABI_MAP_DOORBELL 0x10u
/* After a store call `doorbell(id, offset in the range)`. */
#define ABI_MAP_FLAG_DOORBELL 1u

/* u64 nanoseconds, refreshed by the host at each exit and entry. */
#define ABI_AT_TIME 0x600u
/* Exits of this machine so far (u32, wraps), refreshed by the host at each. */
#define ABI_AT_EXITS 0x608u
/*
 * ABI_INVALIDATING_*, set by the guest's driver from the first doorbell of a batch to its
 * last completion, otherwise 0: the host counts the exits in between.
 */
#define ABI_AT_INVALIDATING 0x60cu
/* In ABI_AT_INVALIDATING: a batch on the direct path, on VCMDQs or ECMDQs. */
#define ABI_INVALIDATING_DIRECT 1u
/*
 * In ABI_AT_INVALIDATING: a batch on the CMDQ, trapped or overlaid, which the guest need
 * not distinguish.
 */
#define ABI_INVALIDATING_CMDQ 2u
/*
 * 1 while the drain of this machine sleeps on its own thread. After a store to a direct
 * range, whoever sets it back to 0 has to wake the drain.
 */
#define ABI_AT_DRAIN_SLEEPING 0x610u
/* The word that the drain sleeps on: raise it, then notify all. It has no other use. */
#define ABI_AT_DRAIN_WAKE 0x614u
/*
 * 1 when the host would like an exit soon (to pause, or because a queue needs it): poll
 * loops then call `wait`. The host clears it.
 */
#define ABI_AT_EXIT_REQUEST 0x618u
/* One word per vCPU: its exits (u32, wraps); ABI_AT_EXITS counts those of all. */
#define ABI_AT_VCPU_EXITS 0x640u
/* One word per vCPU: ABI_AT_INVALIDATING of the vCPUs other than vCPU 0. */
#define ABI_AT_VCPU_INVALIDATING 0x680u

// Operations of the tlbi import: a vCPU's broadcast TLBI of its own stage 1 (VMALLE1IS,
// ASIDE1IS, VAE1IS, VAAE1IS).
/* Invalidates everything of a VMID. */
#define ABI_TLBI_ALL 0u
/* Invalidates an ASID. */
#define ABI_TLBI_ASID 1u
/* Invalidates an address in one ASID. */
#define ABI_TLBI_VA 2u
/* Invalidates an address in all ASIDs. */
#define ABI_TLBI_VAA 3u

// Results of vsmmu_run.
/* Result of a slice: nothing to do until an interrupt or a timer. */
#define RUN_IDLE 0u
/* Result of a slice: there is more to do. */
#define RUN_YIELD 1u
/* Result of a slice: the guest has ended. */
#define RUN_OFF 2u
// end

// begin assembly/layout/pl011-registers.ts
#define PL011_REGION_SIZE 0x1000u
#define PL011_DR 0x000u
#define PL011_RSR 0x004u
#define PL011_FR 0x018u
#define PL011_ILPR 0x020u
#define PL011_IBRD 0x024u
#define PL011_FBRD 0x028u
#define PL011_LCRH 0x02cu
#define PL011_CR 0x030u
#define PL011_IFLS 0x034u
#define PL011_IMSC 0x038u
#define PL011_RIS 0x03cu
#define PL011_MIS 0x040u
#define PL011_ICR 0x044u
#define PL011_DMACR 0x048u
/* Eight identification bytes, one per word: PeriphID0 to 3, PCellID0 to 3. */
#define PL011_PERIPH_ID 0xfe0u

/* Transmit FIFO empty, receive FIFO full, transmit FIFO full, receive FIFO empty. */
#define PL011_FR_TXFE VSMMU_FIELD(0, 7, 1)
#define PL011_FR_RXFF VSMMU_FIELD(0, 6, 1)
#define PL011_FR_TXFF VSMMU_FIELD(0, 5, 1)
#define PL011_FR_RXFE VSMMU_FIELD(0, 4, 1)
#define PL011_INT_RX VSMMU_FIELD(0, 4, 1)
#define PL011_INT_TX VSMMU_FIELD(0, 5, 1)
// end

// begin assembly/layout/smmu-registers.ts
/* Size of the register space: two 64 KiB pages. */
#define SMMU_REGION_SIZE 0x20000u
/*
 * Offset of page 1, which holds the producer and consumer indexes of the event and PRI
 * queues.
 */
#define SMMU_PAGE1 0x10000u

#define SMMU_IDR0 0x000u
#define SMMU_IDR1 0x004u
#define SMMU_IDR2 0x008u
#define SMMU_IDR3 0x00cu
#define SMMU_IDR4 0x010u
#define SMMU_IDR5 0x014u
#define SMMU_IIDR 0x018u
#define SMMU_AIDR 0x01cu
#define SMMU_CR0 0x020u
#define SMMU_CR0ACK 0x024u
#define SMMU_CR1 0x028u
#define SMMU_CR2 0x02cu
#define SMMU_STATUSR 0x040u
#define SMMU_GBPA 0x044u
#define SMMU_AGBPA 0x048u
#define SMMU_IRQ_CTRL 0x050u
#define SMMU_IRQ_CTRLACK 0x054u
#define SMMU_GERROR 0x060u
#define SMMU_GERRORN 0x064u
#define SMMU_GERROR_IRQ_CFG0 0x068u
#define SMMU_GERROR_IRQ_CFG1 0x070u
#define SMMU_GERROR_IRQ_CFG2 0x074u
#define SMMU_STRTAB_BASE 0x080u
#define SMMU_STRTAB_BASE_CFG 0x088u
#define SMMU_CMDQ_BASE 0x090u
#define SMMU_CMDQ_PROD 0x098u
#define SMMU_CMDQ_CONS 0x09cu
#define SMMU_EVENTQ_BASE 0x0a0u
/* Page-0 alias of SMMU_EVENTQ_PROD. */
#define SMMU_EVENTQ_PROD_PAGE0 0x0a8u
/* Page-0 alias of SMMU_EVENTQ_CONS. */
#define SMMU_EVENTQ_CONS_PAGE0 0x0acu
#define SMMU_EVENTQ_IRQ_CFG0 0x0b0u
#define SMMU_EVENTQ_IRQ_CFG1 0x0b8u
#define SMMU_EVENTQ_IRQ_CFG2 0x0bcu
#define SMMU_PRIQ_BASE 0x0c0u
#define SMMU_PRIQ_PROD_PAGE0 0x0c8u
#define SMMU_PRIQ_CONS_PAGE0 0x0ccu
#define SMMU_PRIQ_IRQ_CFG0 0x0d0u
#define SMMU_PRIQ_IRQ_CFG1 0x0d8u
#define SMMU_PRIQ_IRQ_CFG2 0x0dcu
#define PRIQ_IRQ_CFG2_LO VSMMU_FIELD(0, 31, 1)
#define SMMU_IDR6 0x190u
/*
 * 64-bit: offset of command queue control page 0 from the SMMU's base. CFG and STATUS
 * follow.
 */
#define SMMU_CMDQ_CONTROL_PAGE_BASE 0x4000u
#define SMMU_CMDQ_CONTROL_PAGE_CFG 0x4008u
#define SMMU_CMDQ_CONTROL_PAGE_STATUS 0x400cu
#define SMMU_EVENTQ_PROD 0x100a8u
#define SMMU_EVENTQ_CONS 0x100acu
#define SMMU_PRIQ_PROD 0x100c8u
#define SMMU_PRIQ_CONS 0x100ccu

/*
 * The command queue control page of this model, after page 1: the registers of all
 * ECMDQs, evenly spread over its 64 KiB.
 */
#define SMMU_ECMDQ_PAGE 0x20000u
#define SMMU_ECMDQ_PAGE_SIZE 0x10000u
/* 64-bit, in the format of SMMU_CMDQ_BASE. */
#define ECMDQ_BASE 0x00u
#define ECMDQ_PROD 0x08u
#define ECMDQ_CONS 0x0cu
/* An error is active while ERR (in CONS) and ERRACK (in PROD) differ. */
#define ECMDQ_PROD_ERRACK VSMMU_FIELD(0, 23, 1)
#define ECMDQ_PROD_EN VSMMU_FIELD(0, 31, 1)
#define ECMDQ_CONS_ERR VSMMU_FIELD(0, 23, 1)
#define ECMDQ_CONS_ERR_REASON VSMMU_FIELD(0, 24, 3)
#define ECMDQ_CONS_ENACK VSMMU_FIELD(0, 31, 1)
/* BASE: the queues' registers are in the SMMU, and the page has 64 KiB. */
#define CMDQ_CONTROL_PAGE_PRESET VSMMU_FIELD(0, 0, 1)
#define CMDQ_CONTROL_PAGE_CMDQGS VSMMU_FIELD(0, 1, 2)
/* In CFG (EN) and in STATUS (ENACK). */
#define CMDQ_CONTROL_PAGE_EN VSMMU_FIELD(0, 0, 1)
/* log2 of the number of queues of a page, and of the number of pages. */
#define IDR6_LOG2NUMQ VSMMU_FIELD(0, 16, 4)
#define IDR6_LOG2NUMP VSMMU_FIELD(0, 24, 4)

// IDR0: implemented features.
#define IDR0_S2P VSMMU_FIELD(0, 0, 1)
#define IDR0_S1P VSMMU_FIELD(0, 1, 1)
/* Translation table formats; 2 is AArch64. */
#define IDR0_TTF VSMMU_FIELD(0, 2, 2)
#define IDR0_COHACC VSMMU_FIELD(0, 4, 1)
#define IDR0_BTM VSMMU_FIELD(0, 5, 1)
#define IDR0_HTTU VSMMU_FIELD(0, 6, 2)
#define IDR0_DORMHINT VSMMU_FIELD(0, 8, 1)
#define IDR0_HYP VSMMU_FIELD(0, 9, 1)
#define IDR0_ATS VSMMU_FIELD(0, 10, 1)
/* Split-stage ATS is not implemented. */
#define IDR0_NS1ATS VSMMU_FIELD(0, 11, 1)
#define IDR0_ASID16 VSMMU_FIELD(0, 12, 1)
#define IDR0_MSI VSMMU_FIELD(0, 13, 1)
#define IDR0_SEV VSMMU_FIELD(0, 14, 1)
#define IDR0_ATOS VSMMU_FIELD(0, 15, 1)
#define IDR0_PRI VSMMU_FIELD(0, 16, 1)
/* VMID wildcards (CR0.VMW). */
#define IDR0_VMW VSMMU_FIELD(0, 17, 1)
#define IDR0_VMID16 VSMMU_FIELD(0, 18, 1)
#define IDR0_CD2L VSMMU_FIELD(0, 19, 1)
#define IDR0_VATOS VSMMU_FIELD(0, 20, 1)
/* Table endianness; 2 is little-endian only. */
#define IDR0_TTENDIAN VSMMU_FIELD(0, 21, 2)
/* TTENDIAN: tables of either endianness, by CD.ENDI and STE.S2ENDI. */
#define TTENDIAN_MIXED 0u
#define TTENDIAN_LITTLE 2u
/* CR2.REC_CFG_ATS is implemented. */
#define IDR0_ATSRECERR VSMMU_FIELD(0, 23, 1)
#define IDR0_STALL_MODEL VSMMU_FIELD(0, 24, 2)
/* Faults stall where CD.S or STE.S2S is set; never; always. */
#define STALL_MODEL_BOTH 0u
#define STALL_MODEL_TERMINATE 1u
#define STALL_MODEL_FORCED 2u
#define IDR0_TERM_MODEL VSMMU_FIELD(0, 26, 1)
/* 1 when 2-level stream tables are supported. */
#define IDR0_ST_LEVEL VSMMU_FIELD(0, 27, 2)
#define IDR0_RME_IMPL VSMMU_FIELD(0, 30, 1)

// IDR1: sizes, as log2.
#define IDR1_SIDSIZE VSMMU_FIELD(0, 0, 6)
#define IDR1_SSIDSIZE VSMMU_FIELD(0, 6, 5)
#define IDR1_PRIQS VSMMU_FIELD(0, 11, 5)
#define IDR1_EVENTQS VSMMU_FIELD(0, 16, 5)
#define IDR1_CMDQS VSMMU_FIELD(0, 21, 5)
/* Enhanced command queues; IDR6 has their number. */
#define IDR1_ECMDQ VSMMU_FIELD(0, 31, 1)

/* Hierarchical attributes can be disabled (CD.HAD0 and HAD1). */
#define IDR3_HAD VSMMU_FIELD(0, 2, 1)
/* XN[1:0] of stage 2: execution by privilege. */
#define IDR3_XNX VSMMU_FIELD(0, 4, 1)
#define IDR3_FWB VSMMU_FIELD(0, 8, 1)
/* Range invalidation. */
#define IDR3_RIL VSMMU_FIELD(0, 10, 1)

// IDR5: output address size and granules.
/* 0 to 6: 32, 36, 40, 42, 44, 48, 52 bits. */
#define IDR5_OAS VSMMU_FIELD(0, 0, 3)
#define IDR5_GRAN4K VSMMU_FIELD(0, 4, 1)
#define IDR5_GRAN16K VSMMU_FIELD(0, 5, 1)
#define IDR5_GRAN64K VSMMU_FIELD(0, 6, 1)
/* 52-bit addresses with granules of 4 and 16 KiB (FEAT_LPA2). */
#define IDR5_DS VSMMU_FIELD(0, 7, 1)
/* 1: 52-bit VAs, with 64 KiB granules and, with DS, all others. */
#define IDR5_VAX VSMMU_FIELD(0, 10, 2)
/* The most transactions that can be stalled at once. */
#define IDR5_STALL_MAX VSMMU_FIELD(0, 16, 16)

#define CR0_SMMUEN VSMMU_FIELD(0, 0, 1)
#define CR0_PRIQEN VSMMU_FIELD(0, 1, 1)
#define CR0_EVENTQEN VSMMU_FIELD(0, 2, 1)
#define CR0_CMDQEN VSMMU_FIELD(0, 3, 1)
#define CR0_ATSCHK VSMMU_FIELD(0, 4, 1)

#define CR2_E2H VSMMU_FIELD(0, 0, 1)
#define CR2_RECINVSID VSMMU_FIELD(0, 1, 1)
#define CR2_PTM VSMMU_FIELD(0, 2, 1)
/* Record configuration errors of ATS traffic as well. */
#define CR2_REC_CFG_ATS VSMMU_FIELD(0, 3, 1)

#define GBPA_ABORT VSMMU_FIELD(0, 20, 1)
#define GBPA_UPDATE VSMMU_FIELD(0, 31, 1)

#define IRQ_CTRL_GERROR_IRQEN VSMMU_FIELD(0, 0, 1)
#define IRQ_CTRL_PRIQ_IRQEN VSMMU_FIELD(0, 1, 1)
#define IRQ_CTRL_EVENTQ_IRQEN VSMMU_FIELD(0, 2, 1)

// GERROR and GERRORN share one layout; an error is active where they differ (IHI 0070
// section 7.5).
#define GERROR_CMDQ_ERR VSMMU_FIELD(0, 0, 1)
#define GERROR_EVENTQ_ABT_ERR VSMMU_FIELD(0, 2, 1)
#define GERROR_PRIQ_ABT_ERR VSMMU_FIELD(0, 3, 1)
/* An MSI was terminated with an abort: of a CMD_SYNC, the event queue, GERROR itself. */
#define GERROR_MSI_CMDQ_ABT_ERR VSMMU_FIELD(0, 4, 1)
#define GERROR_MSI_EVENTQ_ABT_ERR VSMMU_FIELD(0, 5, 1)
#define GERROR_MSI_PRIQ_ABT_ERR VSMMU_FIELD(0, 6, 1)
#define GERROR_MSI_GERROR_ABT_ERR VSMMU_FIELD(0, 7, 1)
/* An ECMDQ has stopped at an error; the CONS registers tell which. */
#define GERROR_CMDQP_ERR VSMMU_FIELD(0, 9, 1)

// STRTAB_BASE and queue bases are 64-bit: address bits, then LOG2SIZE where the register
// has one.
#define STRTAB_BASE_CFG_LOG2SIZE VSMMU_FIELD(0, 0, 6)
/* Bits of a StreamID that index the level-2 table: 6, 8 or 10. */
#define STRTAB_BASE_CFG_SPLIT VSMMU_FIELD(0, 6, 5)
/* 0 linear, 1 two-level. */
#define STRTAB_BASE_CFG_FMT VSMMU_FIELD(0, 16, 2)
#define STRTAB_FMT_2LEVEL 1u
/* In CMDQ_BASE, EVENTQ_BASE and PRIQ_BASE. */
#define Q_BASE_LOG2SIZE VSMMU_FIELD(0, 0, 5)

/* Index and wrap bit of a queue register: at most 19 index bits and the wrap bit. */
#define Q_INDEX VSMMU_FIELD(0, 0, 20)
#define CMDQ_CONS_ERR VSMMU_FIELD(0, 24, 7)
/*
 * OVFLG of EVENTQ_PROD and PRIQ_PROD; the same bit of EVENTQ_CONS and PRIQ_CONS is
 * OVACKFLG.
 */
#define Q_OVFLG VSMMU_FIELD(0, 31, 1)

// The same fields under the specification's names, by register.
#define CMDQ_BASE_LOG2SIZE Q_BASE_LOG2SIZE
#define CMDQ_PROD_WR Q_INDEX
#define CMDQ_CONS_RD Q_INDEX
#define EVENTQ_BASE_LOG2SIZE Q_BASE_LOG2SIZE
#define EVENTQ_PROD_WR Q_INDEX
#define EVENTQ_PROD_OVFLG Q_OVFLG
#define EVENTQ_CONS_RD Q_INDEX
#define EVENTQ_CONS_OVACKFLG Q_OVFLG
#define PRIQ_BASE_LOG2SIZE Q_BASE_LOG2SIZE
#define PRIQ_PROD_WR Q_INDEX
#define PRIQ_PROD_OVFLG Q_OVFLG
#define PRIQ_CONS_RD Q_INDEX
#define PRIQ_CONS_OVACKFLG Q_OVFLG

/* Bytes of a command, an event record and a PRI queue entry. */
#define CMDQ_ENTRY_SIZE 16u
#define EVENTQ_ENTRY_SIZE 32u
#define PRIQ_ENTRY_SIZE 16u
// end

// begin assembly/layout/cmdqv-registers.ts
#define CMDQV_CONFIG 0x0000u
#define CMDQV_PARAM 0x0004u
#define CMDQV_STATUS 0x0008u
/* Two 32-bit words, low VINTFs first; not 8-byte aligned, so never one 64-bit access. */
#define CMDQV_VINTF_ERR_MAP 0x0014u
#define CMDQV_VINTF_INT_MASK 0x001cu
/* Four 32-bit words, one bit per VCMDQ of the whole CMDQV. */
#define CMDQV_CMDQ_ERR_MAP 0x0024u
/* One 32-bit register per VCMDQ. */
#define CMDQV_CMDQ_ALLOC 0x0200u
/* First VINTF configuration block; one every CMDQV_VINTF_STRIDE bytes. */
#define CMDQV_VINTF 0x1000u
#define CMDQV_VINTF_STRIDE 0x100u

/* The global page and the two direct views of all VCMDQs take 64 KiB each. */
#define CMDQV_PAGE_SIZE 0x10000u
#define CMDQV_DIRECT_PAGE0 0x10000u
#define CMDQV_DIRECT_PAGE1 0x20000u
/*
 * Logical page 0 of VINTF 0; page 1 follows, the next VINTF CMDQV_LOGICAL_STRIDE bytes
 * later.
 */
#define CMDQV_LOGICAL_PAGE0 0x30000u
#define CMDQV_LOGICAL_STRIDE 0x20000u
/* Bytes from one VCMDQ's registers to the next, in every view. */
#define VCMDQ_STRIDE 0x80u

#define CMDQV_MAX_VINTFS 64u
#define CMDQV_MAX_VCMDQS 128u
/* SID match/replace pairs of a VINTF (PARAM.NUM_SID_PER_VM_LOG2 = 4). */
#define CMDQV_SIDS_PER_VINTF 16u

#define CMDQV_CONFIG_EN VSMMU_FIELD(0, 0, 1)
#define CMDQV_PARAM_VER VSMMU_FIELD(0, 0, 4)
#define CMDQV_PARAM_NUM_VCMDQ_LOG2 VSMMU_FIELD(0, 4, 4)
#define CMDQV_PARAM_NUM_VINTF_LOG2 VSMMU_FIELD(0, 8, 4)
#define CMDQV_PARAM_NUM_SID_PER_VM_LOG2 VSMMU_FIELD(0, 12, 4)
#define CMDQV_STATUS_ENABLED VSMMU_FIELD(0, 0, 1)

#define CMDQ_ALLOC_ALLOCATED VSMMU_FIELD(0, 0, 1)
#define CMDQ_ALLOC_LVCMDQ VSMMU_FIELD(0, 1, 7)
#define CMDQ_ALLOC_VINTF VSMMU_FIELD(0, 15, 6)

// VINTF configuration block.
#define VINTF_CONFIG 0x00u
#define VINTF_STATUS 0x04u
#define VINTF_SID_MATCH 0x40u
#define VINTF_SID_REPLACE 0x80u
/* Two 64-bit words, one bit per LVCMDQ; may be read as four 32-bit words. */
#define VINTF_LVCMDQ_ERR_MAP 0xc0u

#define VINTF_CONFIG_EN VSMMU_FIELD(0, 0, 1)
#define VINTF_CONFIG_VMID VSMMU_FIELD(0, 1, 16)
/*
 * Set when the hypervisor's own kernel owns the VINTF; for a guest it reads 0 and ignores
 * writes.
 */
#define VINTF_CONFIG_HYP_OWN VSMMU_FIELD(0, 17, 1)
#define VINTF_STATUS_ENABLED VSMMU_FIELD(0, 0, 1)
/* 0 healthy, 1 a VCMDQ of this VINTF has an error. */
#define VINTF_STATUS_STATUS VSMMU_FIELD(0, 1, 3)
#define VINTF_STATUS_NUM_LVCMDQ VSMMU_FIELD(0, 16, 8)
#define SID_MATCH_ENABLE VSMMU_FIELD(0, 0, 1)
#define SID_MATCH_VIRT_SID VSMMU_FIELD(0, 1, 20)
#define SID_REPLACE_PHYS_SID VSMMU_FIELD(0, 0, 20)

// VCMDQ registers, page 0 (32-bit each).
#define VCMDQ_CONS 0x00u
#define VCMDQ_PROD 0x04u
#define VCMDQ_CONFIG 0x08u
#define VCMDQ_STATUS 0x0cu
#define VCMDQ_GERROR 0x10u
#define VCMDQ_GERRORN 0x14u
// VCMDQ registers, page 1 (64-bit each).
#define VCMDQ_BASE 0x00u
#define VCMDQ_CONS_INDX_BASE 0x08u

#define VCMDQ_CONS_RD VSMMU_FIELD(0, 0, 20)
#define VCMDQ_CONS_ERR VSMMU_FIELD(0, 24, 7)
#define VCMDQ_PROD_WR VSMMU_FIELD(0, 0, 20)
#define VCMDQ_CONFIG_EN VSMMU_FIELD(0, 0, 1)
#define VCMDQ_STATUS_ENABLED VSMMU_FIELD(0, 0, 1)
#define VCMDQ_GERROR_CMDQ_ERR VSMMU_FIELD(0, 0, 1)
#define VCMDQ_GERROR_CONS_DRAM_WR_ABT_ERR VSMMU_FIELD(0, 1, 1)
#define VCMDQ_GERROR_CMDQ_INIT_ERR VSMMU_FIELD(0, 2, 1)
#define VCMDQ_BASE_LOG2SIZE VSMMU_FIELD(0, 0, 5)
// end

// begin assembly/layout/commands.ts
#define CMD_OP VSMMU_FIELD(0, 0, 8)
/* Secure stream; illegal on a Non-secure queue. */
#define CMD_SSEC VSMMU_FIELD(0, 10, 1)
/* SubstreamID valid. */
#define CMD_SSV VSMMU_FIELD(0, 11, 1)
#define CMD_SSID VSMMU_FIELD(0, 12, 20)
#define CMD_SID VSMMU_FIELD(1, 0, 32)

#define OP_PREFETCH_CFG 0x01u
#define OP_PREFETCH_ADDR 0x02u
#define OP_CFGI_STE 0x03u
/* CFGI_STE_RANGE; with RANGE = 31 it is CFGI_ALL. */
#define OP_CFGI_STE_RANGE 0x04u
#define OP_CFGI_CD 0x05u
#define OP_CFGI_CD_ALL 0x06u
#define OP_CFGI_VMS_PIDM 0x07u
#define OP_TLBI_NH_ALL 0x10u
#define OP_TLBI_NH_ASID 0x11u
#define OP_TLBI_NH_VA 0x12u
#define OP_TLBI_NH_VAA 0x13u
#define OP_TLBI_EL3_ALL 0x18u
#define OP_TLBI_EL3_VA 0x1au
#define OP_TLBI_EL2_ALL 0x20u
#define OP_TLBI_EL2_ASID 0x21u
#define OP_TLBI_EL2_VA 0x22u
#define OP_TLBI_EL2_VAA 0x23u
#define OP_TLBI_S12_VMALL 0x28u
#define OP_TLBI_S2_IPA 0x2au
#define OP_TLBI_NSNH_ALL 0x30u
#define OP_ATC_INV 0x40u
#define OP_PRI_RESP 0x41u
#define OP_RESUME 0x44u
#define OP_STALL_TERM 0x45u
#define OP_CMD_SYNC 0x46u

// CFGI_*
#define CFGI_LEAF VSMMU_FIELD(2, 0, 1)
#define CFGI_RANGE VSMMU_FIELD(2, 0, 5)
/* RANGE value that makes CFGI_STE_RANGE a CFGI_ALL. */
#define CFGI_RANGE_ALL 31u

// TLBI_*
/* Range invalidation: pages = (NUM + 1) << SCALE. */
#define TLBI_NUM VSMMU_FIELD(0, 12, 5)
#define TLBI_SCALE VSMMU_FIELD(0, 20, 5)
/* Bit 5 of SCALE, with IDR5.DS only. */
#define TLBI_SCALE_DS VSMMU_FIELD(0, 25, 1)
#define TLBI_VMID VSMMU_FIELD(1, 0, 16)
#define TLBI_ASID VSMMU_FIELD(1, 16, 16)
#define TLBI_LEAF VSMMU_FIELD(2, 0, 1)
/* Level hint of the leaf entry, 0 unknown. */
#define TLBI_TTL VSMMU_FIELD(2, 8, 2)
/* 0 one address, 1 to 3: a range in granules of 4, 16 or 64 KiB. */
#define TLBI_TG VSMMU_FIELD(2, 10, 2)
#define TLBI_ADDR_LO VSMMU_FIELD(2, 12, 20)
#define TLBI_ADDR_HI VSMMU_FIELD(3, 0, 32)

// ATC_INV
#define ATC_INV_GLOBAL VSMMU_FIELD(0, 9, 1)
/* Span = 4 KiB << SIZE; 52 is everything. */
#define ATC_INV_SIZE VSMMU_FIELD(2, 0, 6)
#define ATC_INV_SIZE_ALL 52u
#define ATC_INV_ADDR_LO VSMMU_FIELD(2, 12, 20)
#define ATC_INV_ADDR_HI VSMMU_FIELD(3, 0, 32)

// PRI_RESP
#define PRI_RESP_INDEX VSMMU_FIELD(2, 0, 9)
/*
 * The group's pages are not accessible at all, some are not present, or all are; 3 is
 * reserved.
 */
#define PRI_RESP_RESPONSE VSMMU_FIELD(2, 12, 2)
/* Response: the group's pages are not accessible at all. */
#define PRI_RESP_FAILURE 0u
/* Response: some of the group's pages are not present. */
#define PRI_RESP_INVALID 1u
/* Response: all of the group's pages are present. */
#define PRI_RESP_SUCCESS 2u

// RESUME
/* Action: 1 retry, 0 terminate in the way that RESUME_AB selects. */
#define RESUME_AC VSMMU_FIELD(0, 12, 1)
/* 1 abort, 0 read as zero and ignore writes. No effect when IDR0.TERM_MODEL is 1. */
#define RESUME_AB VSMMU_FIELD(0, 13, 1)
#define RESUME_STAG VSMMU_FIELD(2, 0, 16)

// CMD_SYNC
/* Completion signal: 0 none, 1 MSI or wired interrupt, 2 SEV, 3 reserved. */
#define SYNC_CS VSMMU_FIELD(0, 12, 2)
/* CS: no completion signal. */
#define SYNC_CS_NONE 0u
/* CS: an interrupt, by MSI where MSIAddress is not 0. */
#define SYNC_CS_IRQ 1u
/* CS: an event as by SEV. */
#define SYNC_CS_SEV 2u
#define SYNC_MSH VSMMU_FIELD(0, 22, 2)
#define SYNC_MSIATTR VSMMU_FIELD(0, 24, 4)
#define SYNC_MSIDATA VSMMU_FIELD(1, 0, 32)
/* MSIADDR[31:2]; bits [51:32] are SYNC_MSIADDR_HI. */
#define SYNC_MSIADDR_LO VSMMU_FIELD(2, 2, 30)
#define SYNC_MSIADDR_HI VSMMU_FIELD(3, 0, 20)

// CMDQ_CONS.ERR codes.
#define CERROR_NONE 0u
/*
 * Illegal command: unknown or unsupported opcode, reserved value, or (CMDQV) a StreamID
 * that matches no pair.
 */
#define CERROR_ILL 1u
/* The command could not be fetched. */
#define CERROR_ABT 2u
#define CERROR_ATC_INV_SYNC 3u
// end

// begin assembly/layout/ste.ts
#define STE_SIZE 64u

#define STE_V VSMMU_FIELD(0, 0, 1)
/* 0 abort, 4 bypass, 5 stage 1, 6 stage 2, 7 nested. */
#define STE_CONFIG VSMMU_FIELD(0, 1, 3)
#define STE_CONFIG_ABORT 0u
#define STE_CONFIG_BYPASS 4u
#define STE_CONFIG_S1 5u
#define STE_CONFIG_S2 6u
#define STE_CONFIG_NESTED 7u
/* 0 linear, 1 two-level with 4 KiB leaves, 2 two-level with 64 KiB leaves. */
#define STE_S1FMT VSMMU_FIELD(0, 4, 2)
#define STE_S1FMT_LINEAR 0u
#define STE_S1FMT_4K 1u
#define STE_S1FMT_64K 2u
/* S1ContextPtr[31:6], at its position. An IPA when Config is 7. */
#define STE_S1CONTEXTPTR_LO VSMMU_FIELD(0, 6, 26)
/* S1ContextPtr[51:32]. */
#define STE_S1CONTEXTPTR_HI VSMMU_FIELD(1, 0, 20)
/* log2 of the number of CDs; 0 means no substreams. */
#define STE_S1CDMAX VSMMU_FIELD(1, 27, 5)
/* 0 terminate, 1 bypass, 2 use CD 0, for transactions without a SubstreamID. */
#define STE_S1DSS VSMMU_FIELD(2, 0, 2)
#define STE_S1DSS_BYPASS 1u
#define STE_S1DSS_CD0 2u
#define STE_S1CIR VSMMU_FIELD(2, 2, 2)
#define STE_S1COR VSMMU_FIELD(2, 4, 2)
#define STE_S1CSH VSMMU_FIELD(2, 6, 2)
/*
 * log2 of the number of adjacent STEs, this one included, that are equal to it: a hint
 * for caches.
 */
#define STE_CONT VSMMU_FIELD(2, 13, 4)
#define STE_MEV VSMMU_FIELD(2, 19, 1)
#define STE_S2FWB VSMMU_FIELD(2, 25, 1)
#define STE_S1STALLD VSMMU_FIELD(2, 27, 1)
/* 0 ATS not allowed, 1 full ATS, 2 split-stage. */
#define STE_EATS VSMMU_FIELD(2, 28, 2)
#define STE_EATS_FULL 1u
#define STE_EATS_SPLIT 2u
/* 0 NS-EL1, 1 reserved for Non-secure, 2 EL2; ignored without IDR0.HYP. */
#define STE_STRW VSMMU_FIELD(2, 30, 2)
#define STE_SHCFG VSMMU_FIELD(3, 12, 2)
#define STE_S2VMID VSMMU_FIELD(4, 0, 16)
#define STE_S2T0SZ VSMMU_FIELD(5, 0, 6)
/* Start level, see docs: for 4 KiB 2 is level 0, 1 is level 1, 0 is level 2. */
#define STE_S2SL0 VSMMU_FIELD(5, 6, 2)
#define STE_S2IR0 VSMMU_FIELD(5, 8, 2)
#define STE_S2OR0 VSMMU_FIELD(5, 10, 2)
#define STE_S2SH0 VSMMU_FIELD(5, 12, 2)
/* 0 4 KiB, 1 64 KiB, 2 16 KiB. */
#define STE_S2TG VSMMU_FIELD(5, 14, 2)
/* Output size, encoded like IDR5.OAS. */
#define STE_S2PS VSMMU_FIELD(5, 16, 3)
#define STE_S2AA64 VSMMU_FIELD(5, 19, 1)
#define STE_S2ENDI VSMMU_FIELD(5, 20, 1)
#define STE_S2AFFD VSMMU_FIELD(5, 21, 1)
#define STE_S2PTW VSMMU_FIELD(5, 22, 1)
#define STE_S2HD VSMMU_FIELD(5, 23, 1)
#define STE_S2HA VSMMU_FIELD(5, 24, 1)
/* Stall stage-2 faults. */
#define STE_S2S VSMMU_FIELD(5, 25, 1)
/* Record stage-2 faults. */
#define STE_S2R VSMMU_FIELD(5, 26, 1)
/* Bit 2 of S2SL0, with S2DS and granules of 4 KiB. */
#define STE_S2SL0_2 VSMMU_FIELD(6, 2, 1)
/* CD.DS of stage 2. */
#define STE_S2DS VSMMU_FIELD(6, 3, 1)
/* S2TTB[31:4]. */
#define STE_S2TTB_LO VSMMU_FIELD(6, 4, 28)
/* S2TTB[51:32]. */
#define STE_S2TTB_HI VSMMU_FIELD(7, 0, 20)

// Level-1 stream table descriptor (IHI 0070 section 5.1): 8 bytes, words 0 and 1.
#define L1STD_SIZE 8u
/* 0 invalid; n is a level-2 table of 2^(n - 1) STEs. */
#define L1STD_SPAN VSMMU_FIELD(0, 0, 5)
/* L2Ptr[31:6]. */
#define L1STD_L2PTR_LO VSMMU_FIELD(0, 6, 26)
/* L2Ptr[51:32]. */
#define L1STD_L2PTR_HI VSMMU_FIELD(1, 0, 20)
// end

// begin assembly/layout/cd.ts
#define CD_SIZE 64u

#define CD_T0SZ VSMMU_FIELD(0, 0, 6)
/* 0 4 KiB, 1 64 KiB, 2 16 KiB. */
#define CD_TG0 VSMMU_FIELD(0, 6, 2)
#define CD_IR0 VSMMU_FIELD(0, 8, 2)
#define CD_OR0 VSMMU_FIELD(0, 10, 2)
#define CD_SH0 VSMMU_FIELD(0, 12, 2)
#define CD_EPD0 VSMMU_FIELD(0, 14, 1)
#define CD_ENDI VSMMU_FIELD(0, 15, 1)
#define CD_T1SZ VSMMU_FIELD(0, 16, 6)
/* 1 16 KiB, 2 4 KiB, 3 64 KiB: the encoding differs from TG0. */
#define CD_TG1 VSMMU_FIELD(0, 22, 2)
#define CD_IR1 VSMMU_FIELD(0, 24, 2)
#define CD_OR1 VSMMU_FIELD(0, 26, 2)
#define CD_SH1 VSMMU_FIELD(0, 28, 2)
#define CD_EPD1 VSMMU_FIELD(0, 30, 1)
#define CD_V VSMMU_FIELD(0, 31, 1)
/* Intermediate physical address size, encoded like IDR5.OAS. */
#define CD_IPS VSMMU_FIELD(1, 0, 3)
#define CD_AFFD VSMMU_FIELD(1, 3, 1)
#define CD_WXN VSMMU_FIELD(1, 4, 1)
#define CD_UWXN VSMMU_FIELD(1, 5, 1)
#define CD_TBI0 VSMMU_FIELD(1, 6, 1)
#define CD_TBI1 VSMMU_FIELD(1, 7, 1)
#define CD_PAN VSMMU_FIELD(1, 8, 1)
#define CD_AA64 VSMMU_FIELD(1, 9, 1)
#define CD_HD VSMMU_FIELD(1, 10, 1)
#define CD_HA VSMMU_FIELD(1, 11, 1)
/* Stall faults. */
#define CD_S VSMMU_FIELD(1, 12, 1)
/* Record faults. */
#define CD_R VSMMU_FIELD(1, 13, 1)
/* Abort faulting transactions (1) rather than RAZ/WI (0). */
#define CD_A VSMMU_FIELD(1, 14, 1)
#define CD_ASET VSMMU_FIELD(1, 15, 1)
#define CD_ASID VSMMU_FIELD(1, 16, 16)
#define CD_HAD0 VSMMU_FIELD(2, 1, 1)
/* TTB0[31:4]. */
#define CD_TTB0_LO VSMMU_FIELD(2, 4, 28)
/* TTB0[51:32]. */
#define CD_TTB0_HI VSMMU_FIELD(3, 0, 20)
#define CD_HAD1 VSMMU_FIELD(4, 1, 1)
#define CD_TTB1_LO VSMMU_FIELD(4, 4, 28)
#define CD_TTB1_HI VSMMU_FIELD(5, 0, 20)
/*
 * 52-bit addresses with granules of 4 and 16 KiB: descriptor bits [9:8] are address bits
 * [51:50].
 */
#define CD_DS VSMMU_FIELD(5, 26, 1)
/*
 * MAIR as Linux writes it: 0 non-cacheable, 1 write-back, 2 device, 3 inner non-cacheable
 * and outer write-back.
 */
#define CD_MAIR_LO VSMMU_FIELD(6, 0, 32)
#define CD_MAIR_HI VSMMU_FIELD(7, 0, 32)

// Level-1 context descriptor (IHI 0070 section 5.3): 8 bytes, words 0 and 1.
#define L1CD_SIZE 8u
#define L1CD_V VSMMU_FIELD(0, 0, 1)
/* L2Ptr[31:12]. */
#define L1CD_L2PTR_LO VSMMU_FIELD(0, 12, 20)
/* L2Ptr[51:32]. */
#define L1CD_L2PTR_HI VSMMU_FIELD(1, 0, 20)
// end

// begin assembly/layout/descriptors.ts
#define PTE_VALID VSMMU_FIELD(0, 0, 1)
/* 3 is a table (levels 0 to 2) or a page (level 3), 1 a block (reserved at level 3). */
#define PTE_TYPE VSMMU_FIELD(0, 0, 2)
#define PTE_TYPE_BLOCK 1u
#define PTE_TYPE_TABLE 3u
#define PTE_TYPE_PAGE 3u
#define PTE_ATTRINDX VSMMU_FIELD(0, 2, 3)
/* Stage 1: Non-secure; ignored for a Non-secure stream. */
#define PTE_NS VSMMU_FIELD(0, 5, 1)
/* Stage 1: AP[1], unprivileged access allowed. */
#define PTE_AP_UNPRIV VSMMU_FIELD(0, 6, 1)
/* Stage 1: AP[2], read-only. */
#define PTE_AP_RO VSMMU_FIELD(0, 7, 1)
/* Stage 2: S2AP[0], readable. */
#define PTE_S2AP_R VSMMU_FIELD(0, 6, 1)
/* Stage 2: S2AP[1], writable. */
#define PTE_S2AP_W VSMMU_FIELD(0, 7, 1)
/* Stage 2: MemAttr. */
#define PTE_S2_MEMATTR VSMMU_FIELD(0, 2, 4)
#define PTE_SH VSMMU_FIELD(0, 8, 2)
/* Access flag. */
#define PTE_AF VSMMU_FIELD(0, 10, 1)
/* Not global: the entry belongs to one ASID. */
#define PTE_NG VSMMU_FIELD(0, 11, 1)
#define PTE_DBM VSMMU_FIELD(1, 19, 1)
#define PTE_CONTIGUOUS VSMMU_FIELD(1, 20, 1)
#define PTE_PXN VSMMU_FIELD(1, 21, 1)
/* Stage 1 UXN or XN; stage 2 XN[1]. */
#define PTE_XN VSMMU_FIELD(1, 22, 1)
/* For software: ignored. */
#define PTE_SOFTWARE VSMMU_FIELD(1, 23, 4)
#define PTE_TABLE_PXN VSMMU_FIELD(1, 27, 1)
#define PTE_TABLE_XN VSMMU_FIELD(1, 28, 1)
/* APTable[0]: no unprivileged access below. */
#define PTE_APTABLE_PRIV VSMMU_FIELD(1, 29, 1)
/* APTable[1]: read-only below. */
#define PTE_APTABLE_RO VSMMU_FIELD(1, 30, 1)

#define PTE_TABLE_NS VSMMU_FIELD(1, 31, 1)

/*
 * Stage-1 page as Linux writes it for a read-write cached buffer: nG, AF, inner
 * shareable, unprivileged, AttrIndx 1.
 */
#define PTE_S1_PAGE_RW 0xf47u
/* The same, read-only. */
#define PTE_S1_PAGE_RO 0xfc7u
/* Stage-2 page: AF, inner shareable, read-write, normal write-back memory. */
#define PTE_S2_PAGE_RW 0x7ffu
/* The same without S2AP[1]. */
#define PTE_S2_PAGE_RO 0x77fu
// end

// begin assembly/layout/events.ts
#define EVT_ID VSMMU_FIELD(0, 0, 8)
#define EVT_SSV VSMMU_FIELD(0, 11, 1)
#define EVT_SSID VSMMU_FIELD(0, 12, 20)
#define EVT_SID VSMMU_FIELD(1, 0, 32)
#define EVT_STAG VSMMU_FIELD(2, 0, 16)
#define EVT_STALL VSMMU_FIELD(2, 31, 1)
/* Privileged (1) or unprivileged (0). */
#define EVT_PNU VSMMU_FIELD(3, 1, 1)
/* Instruction (1) or data (0). */
#define EVT_IND VSMMU_FIELD(3, 2, 1)
/* Read (1) or write (0). */
#define EVT_RNW VSMMU_FIELD(3, 3, 1)
/* The fault is of stage 2. */
#define EVT_S2 VSMMU_FIELD(3, 7, 1)
/* What was being translated: 0 a CD, 1 a translation table, 2 the input address. */
#define EVT_CLASS VSMMU_FIELD(3, 8, 2)
#define EVT_CLASS_CD 0u
#define EVT_CLASS_TT 1u
#define EVT_CLASS_IN 2u
#define EVT_TTRNW VSMMU_FIELD(3, 12, 1)
// Word 3 of E_PAGE_REQUEST: the access that a device expects, unprivileged and
// privileged, and the number of 4 KiB pages.
#define EVT_UX VSMMU_FIELD(3, 1, 1)
#define EVT_UW VSMMU_FIELD(3, 2, 1)
#define EVT_UR VSMMU_FIELD(3, 3, 1)
#define EVT_PX VSMMU_FIELD(3, 5, 1)
#define EVT_PW VSMMU_FIELD(3, 6, 1)
#define EVT_PR VSMMU_FIELD(3, 7, 1)
#define EVT_SPAN VSMMU_FIELD(3, 12, 8)
#define EVT_INPUT_LO VSMMU_FIELD(4, 0, 32)
#define EVT_INPUT_HI VSMMU_FIELD(5, 0, 32)
/* IPA[31:12] or FetchAddr[31:3], in place. */
#define EVT_ADDR_LO VSMMU_FIELD(6, 0, 32)
#define EVT_ADDR_HI VSMMU_FIELD(7, 0, 20)

#define F_UUT 0x01u
#define C_BAD_STREAMID 0x02u
#define F_STE_FETCH 0x03u
#define C_BAD_STE 0x04u
#define F_BAD_ATS_TREQ 0x05u
#define F_STREAM_DISABLED 0x06u
#define F_TRANSL_FORBIDDEN 0x07u
#define C_BAD_SUBSTREAMID 0x08u
#define F_CD_FETCH 0x09u
#define C_BAD_CD 0x0au
#define F_WALK_EABT 0x0bu
#define F_TRANSLATION 0x10u
#define F_ADDR_SIZE 0x11u
#define F_ACCESS 0x12u
#define F_PERMISSION 0x13u
#define F_TLB_CONFLICT 0x20u
#define F_CFG_CONFLICT 0x21u
#define E_PAGE_REQUEST 0x24u
#define F_VMS_FETCH 0x25u
// end

// begin assembly/layout/dma-engine-registers.ts
/* Bytes of the register region. */
#define DMA_REGION_SIZE 0x1000u
/* Reads DMA_ID_VALUE. */
#define DMA_ID 0x00u
/* "DMA1". */
#define DMA_ID_VALUE 0x31414d44u // "DMA1"
/*
 * Operation: a write starts it, and aborts one that is in progress. It is complete when
 * the write returns, unless the SMMU stalls one of its accesses (DMA_STATUS_STALLED) or
 * it is longer than DMA_STEP_LENGTH (DMA_STATUS_BUSY). Reads the last operation.
 */
#define DMA_CTRL 0x04u
/* DMA_STATUS_*: the result of the last operation, or that it is in progress. */
#define DMA_STATUS 0x08u
/* Bytes of the operation, 1 to DMA_MAX_LENGTH. */
#define DMA_LENGTH 0x0cu
/* u64 source iova. */
#define DMA_SRC 0x10u
/* u64 destination iova. */
#define DMA_DST 0x18u
/* 32-bit pattern of FILL and VERIFY. */
#define DMA_PATTERN 0x20u
/* Bytes processed before the operation ended. */
#define DMA_DONE 0x24u
/* u64 iova of the access that failed. */
#define DMA_FAULT_ADDR 0x28u
/* StreamID that the SMMU sees, in the guest's numbering. */
#define DMA_STREAM 0x30u
/* 1: pulse the interrupt at the end of each operation. */
#define DMA_IRQ_ENABLE 0x34u
/*
 * PCIe's ATS and PRI: DMA_ATS_ENABLE; DMA_ATS_PAGES, which requests pages that the engine
 * is denied (DMA_STATUS_STALLED meanwhile); DMA_ATS_SILENT, which leaves invalidation
 * requests unanswered. A write empties the ATC. Reads the mode in effect, which is the
 * one that the SMMU has accepted.
 */
#define DMA_ATS 0x38u
/* In DMA_ATS: the engine has an ATC. */
#define DMA_ATS_ENABLE 1u
/* In DMA_ATS: invalidation requests go unanswered. */
#define DMA_ATS_SILENT 2u
/* In DMA_ATS: the engine requests pages that it is denied. */
#define DMA_ATS_PAGES 4u

/*
 * Attributes of an operation's accesses: DMA_PASID_VALUE where DMA_PASID_VALID is set,
 * DMA_PASID_PRIVILEGED, DMA_PASID_INSTRUCTION, with which reads fetch instructions, and
 * DMA_PASID_ATOMIC, with which writes are atomic operations. Read when the operation
 * starts.
 */
#define DMA_PASID 0x3cu
/* In DMA_PASID: the SubstreamID. */
#define DMA_PASID_VALUE VSMMU_FIELD(0, 0, 20)
/* In DMA_PASID: writes are atomic operations, which no SMMU here supports. */
#define DMA_PASID_ATOMIC 0x10000000u
/* In DMA_PASID: reads fetch instructions. */
#define DMA_PASID_INSTRUCTION 0x20000000u
/* In DMA_PASID: accesses are privileged. */
#define DMA_PASID_PRIVILEGED 0x40000000u
/* In DMA_PASID: accesses carry the SubstreamID. */
#define DMA_PASID_VALID 0x80000000u

/* DMA_CTRL: aborts the operation in progress. */
#define DMA_OP_NONE 0u
/* DST := SRC. */
#define DMA_OP_COPY 1u
/* DST := PATTERN, repeated. */
#define DMA_OP_FILL 2u
/* Compare SRC with PATTERN, repeated. */
#define DMA_OP_VERIFY 3u
/*
 * Tells the SMMU which addresses COPY would access, and accesses nothing. Lost where the
 * SMMU takes no such hints.
 */
#define DMA_OP_HINT 4u

/* No operation yet. */
#define DMA_STATUS_IDLE 0u
/* Complete. */
#define DMA_STATUS_DONE 1u
/* A read was refused at DMA_FAULT_ADDR. */
#define DMA_STATUS_READ_FAULT 2u
/* A write was refused at DMA_FAULT_ADDR. */
#define DMA_STATUS_WRITE_FAULT 3u
/* VERIFY has found different bytes; DMA_DONE is their position. */
#define DMA_STATUS_MISMATCH 4u
/* DMA_CTRL has no operation of that number. */
#define DMA_STATUS_BAD_OP 5u
/* LENGTH of 0, above DMA_MAX_LENGTH, or not a multiple of 4 for FILL and VERIFY. */
#define DMA_STATUS_BAD_LENGTH 6u
/*
 * In progress: the SMMU has stalled an access, or the operation waits for a page.
 * FAULT_ADDR is its iova.
 */
#define DMA_STATUS_STALLED 7u
/* In progress: the engine continues at its next turn. DONE is the progress so far. */
#define DMA_STATUS_BUSY 8u
/* Most bytes of an operation. */
#define DMA_MAX_LENGTH 0x100000u
/* Bytes in one turn of the engine. */
#define DMA_STEP_LENGTH 0x8000u
// end

// Fields.

static inline uint32_t vsmmu_mask_of(uint32_t field) {
  uint32_t width = field & 0xff;
  return width >= 32 ? 0xffffffffu : (1u << width) - 1;
}

// The field's value in its word.
static inline uint32_t vsmmu_bits_of(uint32_t word, uint32_t field) {
  return word >> (field >> 8 & 0xff) & vsmmu_mask_of(field);
}

// A word that is 0 except for the field.
static inline uint32_t vsmmu_place(uint32_t field, uint32_t value) {
  return (value & vsmmu_mask_of(field)) << (field >> 8 & 0xff);
}

// The field's value in a structure of 32-bit words.
static inline uint32_t vsmmu_load_field(const volatile uint32_t *structure, uint32_t field) {
  return vsmmu_bits_of(structure[field >> 16], field);
}

// Replaces the field in a structure of 32-bit words.
static inline void vsmmu_store_field(volatile uint32_t *structure, uint32_t field, uint32_t value) {
  uint32_t others = structure[field >> 16] & ~vsmmu_place(field, 0xffffffffu);
  structure[field >> 16] = others | vsmmu_place(field, value);
}

// The host's functions for a guest. Every call but those of vsmmu_doorbell, vsmmu_tlbi
// and vsmmu_dsb is an exit.

#define VSMMU_IMPORT(name) __attribute__((import_module("vsmmu"), import_name(name)))

// Trapped register accesses, at a multiple of their size. vsmmu_read32 and so on, below,
// use direct maps.
VSMMU_IMPORT("mmio_read32") uint32_t vsmmu_mmio_read32(uint32_t gpa);
VSMMU_IMPORT("mmio_write32") void vsmmu_mmio_write32(uint32_t gpa, uint32_t value);
VSMMU_IMPORT("mmio_read64") uint64_t vsmmu_mmio_read64(uint32_t gpa);
VSMMU_IMPORT("mmio_write64") void vsmmu_mmio_write64(uint32_t gpa, uint64_t value);
// Reports that the word at `offset` of directly mapped range `id` was stored.
VSMMU_IMPORT("doorbell") void vsmmu_doorbell(uint32_t id, uint32_t offset);
// Broadcast TLB maintenance: ABI_TLBI_*; and the DSB after it. Call it with 0 first, then
// with the ticket that it returned, until it returns 0.
VSMMU_IMPORT("tlbi") void vsmmu_tlbi(uint32_t operation, uint32_t asid, uint64_t va);
VSMMU_IMPORT("dsb") uint64_t vsmmu_dsb(uint64_t before);
// Sleeps for at most this long; in the meantime the host handles pending work. Never use
// the Wasm wait instruction instead.
VSMMU_IMPORT("wait") void vsmmu_wait(uint32_t microseconds);
// Starts the program of a secondary vCPU with an argument. Returns 0, or -1 when there is
// no such vCPU or it is still running.
VSMMU_IMPORT("vcpu_start") int32_t vsmmu_vcpu_start(uint32_t vcpu, uint32_t argument);
// Nanoseconds since an arbitrary start, monotonic.
VSMMU_IMPORT("clock_ns") double vsmmu_clock_ns(void);

// The guest's functions for the host: write VSMMU_EXPORT("vsmmu_run") before the
// function.
#define VSMMU_EXPORT(name) __attribute__((export_name(name)))

// The info page, at memory offset 0. Reading it is never an exit.

static inline volatile uint32_t *vsmmu_info_word(uint32_t offset) {
  return (volatile uint32_t *)(uintptr_t)offset;
}

// A word of the info page (ABI_AT_*).
static inline uint32_t vsmmu_info(uint32_t offset) { return *vsmmu_info_word(offset); }

// A word that the host or another vCPU may change at any time.
static inline uint32_t vsmmu_info_now(uint32_t offset) {
  return __atomic_load_n(vsmmu_info_word(offset), __ATOMIC_SEQ_CST);
}

// gpa of an address in the guest's memory above the ABI area: the address for registers,
// commands and tables.
static inline uint32_t vsmmu_gpa_of(const volatile void *address) {
  return (uint32_t)(uintptr_t)address + vsmmu_info(ABI_AT_RAM_GPA_BASE);
}

// Memory offset of the first device table entry of a kind (ABI_KIND_*) that is the SMMU
// of this number, or one of its devices, or its CMDQV; 0 when there is none. SMMUs are
// numbered 0 to ABI_MAX_SMMUS - 1; a device without an SMMU is found under 0.
static inline uint32_t vsmmu_find_device_of(uint32_t kind, uint32_t smmu) {
  uint32_t count = vsmmu_info(ABI_AT_DEVICE_COUNT);
  for (uint32_t i = 0; i < count && i < ABI_MAX_DEVICES; i++) {
    uint32_t entry = ABI_AT_DEVICES + i * ABI_DEVICE_SIZE;
    if (vsmmu_info(entry + ABI_DEVICE_KIND) == kind && vsmmu_info(entry + ABI_DEVICE_SMMU) == smmu)
      return entry;
  }
  return 0;
}

// vsmmu_find_device_of for SMMU 0, the only one of most machines.
static inline uint32_t vsmmu_find_device(uint32_t kind) { return vsmmu_find_device_of(kind, 0); }

// gpa of a device's registers.
static inline uint32_t vsmmu_device_gpa(uint32_t entry) {
  return vsmmu_info(entry + ABI_DEVICE_GPA);
}

// A device's first interrupt line, ABI_NO_IRQ when it has none.
static inline uint32_t vsmmu_device_irq(uint32_t entry) {
  return vsmmu_info(entry + ABI_DEVICE_IRQ);
}

// StreamID of a bus master, ABI_NO_STREAM of other devices.
static inline uint32_t vsmmu_device_stream(uint32_t entry) {
  return vsmmu_info(entry + ABI_DEVICE_STREAM);
}

// Registers by gpa. An access to a directly mapped range goes to guest memory and is not
// an exit; every other one is. Each access looks the table up again, and no access spans
// a safe point: never keep an entry across one.

// Memory offset of the table entry of the direct map that contains a gpa; 0 when none
// does.
static inline uint32_t vsmmu_direct_map_of(uint32_t gpa) {
  uint32_t count = vsmmu_info(ABI_AT_MAP_COUNT);
  for (uint32_t i = 0; i < count && i < ABI_MAX_MAPS; i++) {
    uint32_t entry = ABI_AT_MAPS + i * ABI_MAP_SIZE;
    // The comparison is unsigned: also false below the range, and for a free slot, whose
    // length is 0.
    if (gpa - vsmmu_info(entry + ABI_MAP_GPA) < vsmmu_info(entry + ABI_MAP_LENGTH)) return entry;
  }
  return 0;
}

// Memory offset of a register in the range of an entry.
static inline uintptr_t vsmmu_mapped_register(uint32_t entry, uint32_t gpa) {
  return vsmmu_info(entry + ABI_MAP_OFFSET) + (gpa - vsmmu_info(entry + ABI_MAP_GPA));
}

// Called after a store to a directly mapped range: rings the doorbell, or wakes the
// thread that drains the queue, if it sleeps.
static inline void vsmmu_ring(uint32_t entry, uint32_t gpa) {
  if (vsmmu_info(entry + ABI_MAP_FLAGS) & ABI_MAP_FLAG_DOORBELL) {
    vsmmu_doorbell(vsmmu_info(entry + ABI_MAP_DOORBELL), gpa - vsmmu_info(entry + ABI_MAP_GPA));
    return;
  }
  volatile uint32_t *sleeping = vsmmu_info_word(ABI_AT_DRAIN_SLEEPING);
  volatile uint32_t *wake = vsmmu_info_word(ABI_AT_DRAIN_WAKE);
  if (__atomic_load_n(sleeping, __ATOMIC_SEQ_CST) == 0 ||
      __atomic_exchange_n(sleeping, 0, __ATOMIC_SEQ_CST) == 0)
    return;
  __atomic_fetch_add(wake, 1, __ATOMIC_SEQ_CST);
  __builtin_wasm_memory_atomic_notify((int *)(uintptr_t)wake, 0xffffffffu);
}

static inline uint32_t vsmmu_read32(uint32_t gpa) {
  uint32_t entry = vsmmu_direct_map_of(gpa);
  if (entry == 0) return vsmmu_mmio_read32(gpa);
  volatile uint32_t *place = (volatile uint32_t *)vsmmu_mapped_register(entry, gpa);
  return __atomic_load_n(place, __ATOMIC_SEQ_CST);
}

// The store is atomic, so that earlier stores (the commands of a batch) are visible to
// every reader of this one.
static inline void vsmmu_write32(uint32_t gpa, uint32_t value) {
  uint32_t entry = vsmmu_direct_map_of(gpa);
  if (entry == 0) {
    vsmmu_mmio_write32(gpa, value);
    return;
  }
  volatile uint32_t *place = (volatile uint32_t *)vsmmu_mapped_register(entry, gpa);
  __atomic_store_n(place, value, __ATOMIC_SEQ_CST);
  vsmmu_ring(entry, gpa);
}

static inline uint64_t vsmmu_read64(uint32_t gpa) {
  uint32_t entry = vsmmu_direct_map_of(gpa);
  if (entry == 0) return vsmmu_mmio_read64(gpa);
  volatile uint64_t *place = (volatile uint64_t *)vsmmu_mapped_register(entry, gpa);
  return __atomic_load_n(place, __ATOMIC_SEQ_CST);
}

static inline void vsmmu_write64(uint32_t gpa, uint64_t value) {
  uint32_t entry = vsmmu_direct_map_of(gpa);
  if (entry == 0) {
    vsmmu_mmio_write64(gpa, value);
    return;
  }
  volatile uint64_t *place = (volatile uint64_t *)vsmmu_mapped_register(entry, gpa);
  __atomic_store_n(place, value, __ATOMIC_SEQ_CST);
  vsmmu_ring(entry, gpa);
}

// Safe points and interrupts. A vCPU must reach a safe point at least once a second: in
// poll loops and before it returns from vsmmu_run. There it acknowledges the direct maps
// that it has seen, and checks for interrupts.

// A safe point of a vCPU: 0 runs the guest, the others the secondary program.
static inline void vsmmu_safe_point_of(uint32_t vcpu) {
  uint32_t epoch = vsmmu_info_now(ABI_AT_MAP_EPOCH);
  volatile uint32_t *seen = vsmmu_info_word(ABI_AT_MAP_ACK + vcpu * 4);
  if (*seen != epoch) __atomic_store_n(seen, epoch, __ATOMIC_SEQ_CST);
}

static inline void vsmmu_safe_point(void) { vsmmu_safe_point_of(0); }

// True when the host requests an exit: a poll loop then calls vsmmu_wait.
static inline int vsmmu_exit_requested(void) { return vsmmu_info_now(ABI_AT_EXIT_REQUEST) != 0; }

// True when the line is pending. Clears an edge; read the device after that, so that no
// interrupt is lost. A level stays until its cause has been handled.
static inline int vsmmu_take_interrupt(uint32_t line) {
  if (line >= ABI_IRQ_LINES) return 0;
  uint32_t word = line / 32 * 4;
  uint32_t bit = 1u << line % 32;
  volatile uint32_t *edge = vsmmu_info_word(ABI_AT_IRQ_EDGE + word);
  uint32_t edges = __atomic_fetch_and(edge, ~bit, __ATOMIC_SEQ_CST);
  return ((edges | vsmmu_info_now(ABI_AT_IRQ_LEVEL + word)) & bit) != 0;
}

// Reads of a directly mapped register before the guest offers its processor to the host:
// some tens of microseconds, or some hundredths of a second while another thread drains
// the queue, when an exit would gain nothing. Then the longest duration of each offer.
#define VSMMU_POLL_LOOKS 1000
#define VSMMU_POLL_LOOKS_BESIDE_DRAIN 5000000
#define VSMMU_POLL_MICROSECONDS 50

// Number of reads for the register at a gpa: one if it traps.
static inline uint32_t vsmmu_poll_looks(uint32_t gpa) {
  uint32_t entry = vsmmu_direct_map_of(gpa);
  if (entry == 0) return 1;
  return vsmmu_info(entry + ABI_MAP_FLAGS) & ABI_MAP_FLAG_DOORBELL ? VSMMU_POLL_LOOKS
                                                                   : VSMMU_POLL_LOOKS_BESIDE_DRAIN;
}

// Waits until a field of a register has a value. Each read is followed by a safe point.
// Returns 1, or 0 after `waits` offers of the processor: nothing polls without a limit.
static inline int vsmmu_poll32(uint32_t gpa, uint32_t field, uint32_t value, uint32_t waits) {
  for (uint32_t looks = 1;; looks++) {
    if (vsmmu_bits_of(vsmmu_read32(gpa), field) == value) return 1;
    vsmmu_safe_point();
    if (looks < vsmmu_poll_looks(gpa) && !vsmmu_exit_requested()) continue;
    if (waits-- == 0) return 0;
    vsmmu_wait(VSMMU_POLL_MICROSECONDS);
    looks = 0;
  }
}

#endif
