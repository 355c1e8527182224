// SPDX-License-Identifier: MIT
// IOMMUFD's calls, as far as a program needs them to own a VCMDQ.
#pragma once
#include "system-calls.h"

// Structures, numbers of calls and types: Linux, include/uapi/linux/iommufd.h.
enum { IOMMUFD_CALLS = ';' << 8 };
enum {
  IOMMU_IOAS_ALLOC = IOMMUFD_CALLS | 0x81,
  IOMMU_IOAS_MAP = IOMMUFD_CALLS | 0x85,
  IOMMU_HWPT_ALLOC = IOMMUFD_CALLS | 0x89,
  IOMMU_GET_HW_INFO = IOMMUFD_CALLS | 0x8a,
  IOMMU_VIOMMU_ALLOC = IOMMUFD_CALLS | 0x90,
  IOMMU_VDEVICE_ALLOC = IOMMUFD_CALLS | 0x91,
  IOMMU_VEVENTQ_ALLOC = IOMMUFD_CALLS | 0x93,
  IOMMU_HW_QUEUE_ALLOC = IOMMUFD_CALLS | 0x94,
};

struct ioasAlloc {
  u32 size, flags, ioas;
};

enum { MAP_FIXED_IOVA = 1, MAP_WRITEABLE = 2, MAP_READABLE = 4 };
struct ioasMap {
  u32 size, flags, ioas, reserved;
  u64 address, length, iova;
};

enum { HWPT_NEST_PARENT = 1 };
enum { HWPT_DATA_NONE = 0, HWPT_DATA_ARM_SMMUV3 = 2 };
struct hwptAlloc {
  u32 size, flags, device, parent, hwpt, reserved, dataType, dataLength;
  u64 data;
  u32 fault, reserved2;
};

enum { HW_INFO_INPUT_TYPE = 1, HW_INFO_TEGRA241_CMDQV = 3 };
struct hwInfo {
  u32 size, flags, device, dataLength;
  u64 data;
  u32 dataType;
  u8 maxPasidLog2, reserved[3];
  u64 capabilities;
};
struct hwInfoTegra241Cmdqv {
  u32 flags;
  u8 version, log2Vcmdqs, log2Vsids, reserved;
};

enum { VIOMMU_TEGRA241_CMDQV = 2 };
struct viommuAlloc {
  u32 size, flags, type, device, hwpt, viommu, dataLength, reserved;
  u64 data;
};
struct viommuTegra241Cmdqv {
  u64 mmapOffset, mmapLength;
};

struct vdeviceAlloc {
  u32 size, viommu, device, vdevice;
  u64 virtualId;
};

enum { VEVENTQ_ARM_SMMUV3 = 1, VEVENTQ_TEGRA241_CMDQV = 2 };
struct veventqAlloc {
  u32 size, flags, viommu, type, depth, veventq, file, reserved;
};
struct veventHeader {
  u32 flags, sequence;
};

enum { HW_QUEUE_TEGRA241_CMDQV = 1 };
struct hwQueueAlloc {
  u32 size, flags, viommu, type, index, queue;
  u64 iova, length;
};

static const char NEST_PARENT[] = "HWPT_ALLOC of the nest parent";
static const char ALLOC_VIOMMU[] = "VIOMMU_ALLOC";
static const struct advice IOMMUFD_ADVICE[] = {
    {NEST_PARENT, EOPNOTSUPP, "the SMMU of a guest has no stage 2: boot with --role host"},
    {ALLOC_VIOMMU, EOPNOTSUPP, "the SMMU has no CMDQV, or lacks IDR3.FWB"},
    {ALLOC_VIOMMU, ENOSPC, "no VINTF is left: boot with more --vintfs"},
    {},
};

/** Performs a call, which begins with the size of its structure. */
static inline void iommufdCall(int iommufd, const char *name, u32 number, void *call) {
  long result = systemCall(SYS_IOCTL, (u64)iommufd, number, (u64)call, 0);
  if (result < 0) failedCall(name, result, IOMMUFD_ADVICE);
}

/** An address space with some of the program's memory in it. */
static inline u32 allocateIoas(int iommufd, volatile void *memory, u64 length, u64 iova) {
  static struct ioasAlloc alloc = {.size = sizeof alloc};
  iommufdCall(iommufd, "IOAS_ALLOC", IOMMU_IOAS_ALLOC, &alloc);
  static struct ioasMap map = {.size = sizeof map,
                               .flags = MAP_FIXED_IOVA | MAP_WRITEABLE | MAP_READABLE};
  map.ioas = alloc.ioas;
  map.address = (u64)memory;
  map.length = length;
  map.iova = iova;
  iommufdCall(iommufd, "IOAS_MAP", IOMMU_IOAS_MAP, &map);
  return alloc.ioas;
}

/** Stage 2: an address space of which others are nested. */
static inline u32 allocateNestParent(int iommufd, u32 device, u32 ioas) {
  static struct hwptAlloc alloc = {.size = sizeof alloc, .flags = HWPT_NEST_PARENT};
  alloc.device = device;
  alloc.parent = ioas;
  iommufdCall(iommufd, NEST_PARENT, IOMMU_HWPT_ALLOC, &alloc);
  return alloc.hwpt;
}

/** Stage 1, described by the first two 64-bit words of an STE. */
static inline u32 allocateNested(int iommufd, u32 device, u32 viommu, const u64 ste[2]) {
  static struct hwptAlloc alloc = {
      .size = sizeof alloc, .dataType = HWPT_DATA_ARM_SMMUV3, .dataLength = 2 * sizeof(u64)};
  alloc.device = device;
  alloc.parent = viommu;
  alloc.data = (u64)ste;
  iommufdCall(iommufd, "HWPT_ALLOC of the nested one", IOMMU_HWPT_ALLOC, &alloc);
  return alloc.hwpt;
}

/** Number of LVCMDQs of a VINTF. */
static inline u32 lvcmdqsOf(int iommufd, u32 device) {
  static struct hwInfoTegra241Cmdqv data;
  static struct hwInfo info = {.size = sizeof info,
                               .flags = HW_INFO_INPUT_TYPE,
                               .dataLength = sizeof data,
                               .data = (u64)&data,
                               .dataType = HW_INFO_TEGRA241_CMDQV};
  info.device = device;
  iommufdCall(iommufd, "GET_HW_INFO", IOMMU_GET_HW_INFO, &info);
  return (u32)1 << data.log2Vcmdqs;
}

/** A VINTF, and the place of its page 0. */
static inline u32 allocateViommu(int iommufd, u32 device, u32 parent,
                                 struct viommuTegra241Cmdqv *page0) {
  static struct viommuAlloc alloc = {
      .size = sizeof alloc, .type = VIOMMU_TEGRA241_CMDQV, .dataLength = sizeof *page0};
  alloc.device = device;
  alloc.hwpt = parent;
  alloc.data = (u64)page0;
  iommufdCall(iommufd, ALLOC_VIOMMU, IOMMU_VIOMMU_ALLOC, &alloc);
  return alloc.viommu;
}

static inline void allocateVdevice(int iommufd, u32 viommu, u32 device, u64 virtualId) {
  static struct vdeviceAlloc alloc = {.size = sizeof alloc};
  alloc.viommu = viommu;
  alloc.device = device;
  alloc.virtualId = virtualId;
  iommufdCall(iommufd, "VDEVICE_ALLOC", IOMMU_VDEVICE_ALLOC, &alloc);
}

/** The file of a queue of events. */
static inline int allocateVeventq(int iommufd, u32 viommu, u32 type) {
  static struct veventqAlloc alloc = {.size = sizeof alloc, .depth = 16};
  alloc.viommu = viommu;
  alloc.type = type;
  iommufdCall(iommufd, "VEVENTQ_ALLOC", IOMMU_VEVENTQ_ALLOC, &alloc);
  return (int)alloc.file;
}

/** A VCMDQ with its ring at an address of the nest parent. */
static inline void allocateHwQueue(int iommufd, u32 viommu, u32 index, u64 iova, u64 length) {
  static struct hwQueueAlloc alloc = {.size = sizeof alloc, .type = HW_QUEUE_TEGRA241_CMDQV};
  alloc.viommu = viommu;
  alloc.index = index;
  alloc.iova = iova;
  alloc.length = length;
  iommufdCall(iommufd, "HW_QUEUE_ALLOC", IOMMU_HW_QUEUE_ALLOC, &alloc);
}

/** Linux, include/uapi/asm-generic/poll.h: struct pollfd. */
struct pollFile {
  int file;
  u16 events, returned;
};
enum { POLLIN = 1 };
enum { EVENT_SECONDS = 5 };

/** Reads the next event of a queue, with its header. Returns its length; 0 if there is none. */
static inline long readEvent(int file, void *event, u64 length) {
  static struct pollFile poll = {.events = POLLIN};
  static struct {
    u64 seconds, nanoseconds;
  } limit;
  limit.seconds = EVENT_SECONDS;
  poll.file = file;
  long ready = systemCall6(SYS_PPOLL, (u64)&poll, 1, (u64)&limit, 0, 0, 0);
  if (ready < 0) failed("wait for", "an event of the vEVENTQ", ready);
  if (ready == 0) return 0;
  long result = systemCall(SYS_READ, (u64)file, (u64)event, length, 0);
  if (result < 0) failed("read", "an event of the vEVENTQ", result);
  return result;
}
