#!/bin/sh
# SPDX-License-Identifier: MIT
# The init process: runs the commands of `vsmmu.run="…"` on the kernel's command line and
# prints their exit status, or runs a shell, and powers off. A command with wrong arguments
# prints one line and has status 2; one that lacks something in the kernel has status 1.
export PATH=/bin
CMDQV_SWITCHES=/sys/kernel/debug/iommu/tegra241_cmdqv
BENCHMARK=/sys/kernel/debug/dma_map_benchmark
PCI=/sys/bus/pci

# Prints why a command does nothing: refuse STATUS TEXT.
refuse() {
  echo "$2"
  return "$1"
}

# Binds a device to the benchmark of DMA mappings: offer BUS DEVICE.
offer() {
  [ -e /sys/bus/$1/drivers/dma_map_benchmark ] ||
    refuse 1 'bench: the kernel has no dma_map_benchmark' || return
  echo dma_map_benchmark >/sys/bus/$1/devices/$2/driver_override
  echo "$2" >/sys/bus/$1/drivers/dma_map_benchmark/bind
}

# Maps and unmaps pages of the DMA engine for some time: bench THREADS MILLISECONDS GRANULE.
bench() {
  # With wrong arguments, this prints how it is used.
  dma-map-benchmark --check "$@" || return
  if [ ! -e $BENCHMARK ]; then
    engine=$(cd /sys/bus/platform/devices && echo *.dma-engine)
    case $engine in
    '*'*) offer pci 0000:00:01.0 ;;
    *) offer platform "$engine" ;;
    esac || return
  fi
  echo "bench begins"
  dma-map-benchmark "$@"
  set -- $?
  echo "bench ends"
  return "$1"
}

# Selects whether invalidations avoid the VCMDQs: bypass Y or bypass N.
bypass() {
  case $#$1 in
  1Y | 1N) ;;
  *) refuse 2 'usage: bypass Y, bypass N' || return ;;
  esac
  [ -e $CMDQV_SWITCHES/bypass_vcmdq ] || refuse 1 'bypass: the kernel uses no CMDQV' || return
  echo "$1" >$CMDQV_SWITCHES/bypass_vcmdq
}

# Lends a PCIe function to programs, as a file of /dev/vfio/devices: lend 0000:00:03.0.
lend() {
  [ $# = 1 ] && [ -n "$1" ] || refuse 2 'usage: lend FUNCTION, for example lend 0000:00:03.0' ||
    return
  function=$PCI/devices/$1
  [ -e $function/driver_override ] || refuse 1 "lend: there is no PCIe function $1" || return
  [ -e $PCI/drivers/vfio-pci ] || refuse 1 'lend: the kernel has no vfio-pci' || return
  [ ! -e $function/driver ] || echo "$1" >$function/driver/unbind
  echo vfio-pci >$function/driver_override
  echo "$1" >$PCI/drivers/vfio-pci/bind
}

# Prints the state to check after a boot: the kernel's taint flags, SMMUs, interrupts.
state() {
  [ $# = 0 ] || refuse 2 'usage: state' || return
  echo "taint $(cat /proc/sys/kernel/tainted)"
  echo "SMMUs" /sys/class/iommu/*
  cat /proc/interrupts
}

# Prints the exit status of the commands for vsmmu, without a kernel message in the line.
tell() {
  read -r level others </proc/sys/kernel/printk
  echo 1 >/proc/sys/kernel/printk
  # On a line of its own, whatever the commands printed last.
  echo
  echo "vsmmu.run ended with status $1"
  echo "$level" >/proc/sys/kernel/printk
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
  # An `exit` or a syntax error ends the subshell, not init.
  (eval "${run%%\"*}")
  tell $?
  ;;
*) ENV=/init sh ;;
esac
poweroff -f
