#!/bin/sh
# SPDX-License-Identifier: MIT
# The init process: runs the commands of `vsmmu.run="…"` on the kernel's command line, or a
# shell, and powers off. `bench` makes the DMA engine a device of the kernel's benchmark of
# DMA mappings.
export PATH=/bin
CMDQV_SWITCHES=/sys/kernel/debug/iommu/tegra241_cmdqv
BENCHMARK=/sys/kernel/debug/dma_map_benchmark

# Binds a device to the benchmark: offer BUS DEVICE.
offer() {
  echo dma_map_benchmark >/sys/bus/$1/devices/$2/driver_override
  echo "$2" >/sys/bus/$1/drivers/dma_map_benchmark/bind
}

# Maps and unmaps pages for some time: bench THREADS MILLISECONDS GRANULE.
bench() {
  if [ ! -e $BENCHMARK ]; then
    engine=$(cd /sys/bus/platform/devices && echo *.dma-engine)
    case $engine in
    '*'*) offer pci 0000:00:01.0 ;;
    *) offer platform "$engine" ;;
    esac
  fi
  echo "bench begins"
  dma-map-benchmark "$@"
  echo "bench ends"
}

# Selects whether invalidations avoid the VCMDQs: bypass Y or bypass N.
bypass() {
  echo "$1" >$CMDQV_SWITCHES/bypass_vcmdq
}

# Lends a PCIe function to programs, as a file of /dev/vfio/devices: lend 0000:00:03.0.
lend() {
  function=/sys/bus/pci/devices/$1
  [ ! -e $function/driver ] || echo "$1" >$function/driver/unbind
  echo vfio-pci >$function/driver_override
  echo "$1" >/sys/bus/pci/drivers/vfio-pci/bind
}

# Prints the state to check after a boot: the kernel's taint flags, SMMUs, interrupts.
state() {
  echo "taint $(cat /proc/sys/kernel/tainted)"
  echo "SMMUs" /sys/class/iommu/*
  cat /proc/interrupts
}

# An interactive shell also reads this file, for the commands above.
[ $$ = 1 ] || return 0

mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev 2>/dev/null
mount -t debugfs none /sys/kernel/debug

line=$(cat /proc/cmdline)
case $line in
*'vsmmu.run="'*)
  run=${line#*vsmmu.run=\"}
  eval "${run%%\"*}"
  ;;
*) ENV=/init sh ;;
esac
poweroff -f
