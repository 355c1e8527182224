// SPDX-License-Identifier: MIT
// Numbers of include/uapi/linux/iommufd.h that the core shares with all vendors.

/** Bytes of a page of an IOAS. */
export const PAGE_SIZE = 4096;
/** Of enum iommu_hwpt_pgfault_flags: the request has a PASID. */
export const PGFAULT_PASID_VALID = 1;
/** Of the same: the last request of its group. */
export const PGFAULT_LAST_PAGE = 2;
/** Of enum iommu_hwpt_pgfault_perm: for reading. */
export const PGFAULT_READ = 1;
/** Of the same: for writing. */
export const PGFAULT_WRITE = 2;
/** Of the same: for execution. */
export const PGFAULT_EXEC = 4;
/** Of the same: privileged. */
export const PGFAULT_PRIV = 8;

/** Entries of one HWPT_INVALIDATE, at most. */
export const MAX_INVALIDATIONS = 2 ** 19;
/** Events of one vEVENTQ, at most. */
export const MAX_VEVENTQ_DEPTH = 2 ** 19;

/**
 * IOMMU_HWPT_DATA_*, IOMMU_VIOMMU_TYPE_*, IOMMU_HW_QUEUE_TYPE_*, IOMMU_VEVENTQ_TYPE_*: in
 * all of them 0 means none or the default.
 */
export const DATA_NONE = 0;
/** IOMMU_VIOMMU_TYPE_DEFAULT and the like: not a type of any driver. */
export const TYPE_DEFAULT = 0;

/** IOMMU_HW_CAP_DIRTY_TRACKING: a HWPT can track which pages were written. */
export const HW_CAP_DIRTY_TRACKING = 1;
/** IOMMU_HW_CAP_PCI_PASID_EXEC: requests with a PASID may be for execution. */
export const HW_CAP_PCI_PASID_EXEC = 2;
/** IOMMU_HW_CAP_PCI_PASID_PRIV: requests with a PASID may be privileged. */
export const HW_CAP_PCI_PASID_PRIV = 4;
/** IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED: device or IOMMU cannot do ATS. */
export const HW_CAP_PCI_ATS_NOT_SUPPORTED = 8;

/** IOMMU_HW_INFO_TYPE_DEFAULT: the type that the device's driver reports. */
export const HW_INFO_TYPE_DEFAULT = 0;
/** IOMMU_HW_INFO_TYPE_INTEL_VTD. */
export const HW_INFO_TYPE_INTEL_VTD = 1;
/** IOMMU_HW_INFO_TYPE_ARM_SMMUV3. */
export const HW_INFO_TYPE_ARM_SMMUV3 = 2;
/** IOMMU_HW_INFO_TYPE_TEGRA241_CMDQV. */
export const HW_INFO_TYPE_TEGRA241_CMDQV = 3;
/** IOMMU_HW_INFO_TYPE_AMD. */
export const HW_INFO_TYPE_AMD = 4;

/**
 * This model's own flag of VIOMMU_ALLOC, which Linux does not have: the VM's broadcast
 * TLB maintenance reaches the vIOMMU (docs/iommufd.md, "BTM").
 */
export const VIOMMU_FLAG_BTM = 1;

/** IOMMU_HWPT_DATA_VTD_S1: a nested HWPT from a guest's first-stage tables. */
export const HWPT_DATA_VTD_S1 = 1;
/**
 * IOMMU_HWPT_INVALIDATE_DATA_VTD_S1: ranges of a nested HWPT, struct
 * iommu_hwpt_vtd_s1_invalidate.
 */
export const INVALIDATE_DATA_VTD_S1 = 0;
/** This model's own, which Linux does not have: a vIOMMU of VT-d, managed by software. */
export const VIOMMU_TYPE_VTD = 0x6f767464;
/**
 * This model's own: ranges of the device TLB of a vDEVICE, on such a vIOMMU
 * (docs/iommufd.md, "VT-d").
 */
export const INVALIDATE_DATA_VTD_DEVICE_TLB = 0x6f767465;
/** IOMMU_HWPT_DATA_ARM_SMMUV3: a nested HWPT from the STE of a guest. */
export const HWPT_DATA_ARM_SMMUV3 = 2;
/** IOMMU_VIOMMU_TYPE_ARM_SMMUV3. */
export const VIOMMU_TYPE_ARM_SMMUV3 = 1;
/** IOMMU_VIOMMU_TYPE_TEGRA241_CMDQV: a vSMMU with a VINTF. */
export const VIOMMU_TYPE_TEGRA241_CMDQV = 2;
/** IOMMU_HW_QUEUE_TYPE_TEGRA241_CMDQV: a VCMDQ. */
export const HW_QUEUE_TYPE_TEGRA241_CMDQV = 1;
/**
 * This model's own: the guest's CMDQ, run where it is stored (docs/iommufd.md, the
 * overlay path).
 */
export const HW_QUEUE_TYPE_CMDQ_OVERLAY = 0x6f766c79;
/** IOMMU_VEVENTQ_TYPE_ARM_SMMUV3. */
export const VEVENTQ_TYPE_ARM_SMMUV3 = 1;
/** IOMMU_VEVENTQ_TYPE_TEGRA241_CMDQV. */
export const VEVENTQ_TYPE_TEGRA241_CMDQV = 2;
/** IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3: commands in the format of a guest's queue. */
export const INVALIDATE_DATA_ARM_SMMUV3 = 1;
