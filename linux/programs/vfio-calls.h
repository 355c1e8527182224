// SPDX-License-Identifier: MIT
// VFIO's calls for a PCIe function that a program owns by IOMMUFD.
#pragma once
#include "system-calls.h"

// Structures and numbers of calls: Linux, include/uapi/linux/vfio.h.
enum { VFIO_CALLS = ';' << 8 | 100 };
enum {
  VFIO_DEVICE_GET_REGION_INFO = VFIO_CALLS + 8,
  VFIO_DEVICE_BIND_IOMMUFD = VFIO_CALLS + 18,
  VFIO_DEVICE_ATTACH_IOMMUFD_PT = VFIO_CALLS + 19,
};

struct vfioBind {
  u32 size, flags;
  s32 iommufd;
  u32 device;
  u64 token;
};

struct vfioAttach {
  u32 size, flags, hwpt, pasid;
};

/** Indices of a PCI function's regions. */
enum { VFIO_BAR0 = 0, VFIO_CONFIGURATION = 7 };
struct vfioRegion {
  u32 size, flags, index, capabilities;
  u64 length, offset;
};

/** In PCI configuration space. */
enum { PCI_COMMAND = 4, PCI_COMMAND_MASTER = 4 };

static const char BIND[] = "VFIO_DEVICE_BIND_IOMMUFD";
static const struct advice VFIO_ADVICE[] = {
    {BIND, EPERM, "the MSIs of the function are not isolated: boot with --msi its"},
    {BIND, ENOTTY, "only files of /dev/vfio/devices are functions"},
    {},
};

static inline void vfioCall(int function, const char *name, u32 number, void *call) {
  long result = systemCall(SYS_IOCTL, (u64)function, number, (u64)call, 0);
  if (result < 0) failedCall(name, result, VFIO_ADVICE);
}

/** Binds a function to IOMMUFD. Returns the ID of its device. */
static inline u32 bindFunction(int function, int iommufd) {
  static struct vfioBind bind = {.size = sizeof bind};
  bind.iommufd = iommufd;
  vfioCall(function, BIND, VFIO_DEVICE_BIND_IOMMUFD, &bind);
  return bind.device;
}

static inline void attachFunction(int function, u32 hwpt) {
  static struct vfioAttach attach = {.size = sizeof attach};
  attach.hwpt = hwpt;
  vfioCall(function, "VFIO_DEVICE_ATTACH_IOMMUFD_PT", VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach);
}

static inline struct vfioRegion *regionOf(int function, u32 index) {
  static struct vfioRegion region = {.size = sizeof region};
  region.index = index;
  vfioCall(function, "VFIO_DEVICE_GET_REGION_INFO", VFIO_DEVICE_GET_REGION_INFO, &region);
  return &region;
}

/** Allows a function to access memory. */
static inline void enableBusMaster(int function) {
  u64 at = regionOf(function, VFIO_CONFIGURATION)->offset + PCI_COMMAND;
  static u16 command;
  long result = systemCall(SYS_PREAD64, (u64)function, (u64)&command, sizeof command, at);
  if (result < 0) failed("read", "the configuration space", result);
  command |= PCI_COMMAND_MASTER;
  result = systemCall(SYS_PWRITE64, (u64)function, (u64)&command, sizeof command, at);
  if (result < 0) failed("write", "the configuration space", result);
}

/** Maps the registers of a function. */
static inline volatile u32 *mapRegisters(int function) {
  struct vfioRegion *bar = regionOf(function, VFIO_BAR0);
  return (volatile u32 *)mapFile("the registers", function, bar->offset, bar->length, MAP_SHARED);
}
