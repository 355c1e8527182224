#!/bin/sh
# What the kernel starts: makes the DMA engine a device of the kernel's benchmark of DMA mappings, does
# what `vsmmu.run="…"` on the kernel's command line says, or is a shell, and powers off.
export PATH=/bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev 2>/dev/null
mount -t debugfs none /sys/kernel/debug

PLATFORM=/sys/bus/platform
ENGINE=9200000.dma-engine
CMDQV_SWITCHES=/sys/kernel/debug/iommu/tegra241_cmdqv

# Maps and unmaps pages for a number of seconds: bench THREADS SECONDS GRANULE.
bench() {
  if [ ! -e $PLATFORM/drivers/dma_map_benchmark/$ENGINE ]; then
    echo dma_map_benchmark >$PLATFORM/devices/$ENGINE/driver_override
    echo $ENGINE >$PLATFORM/drivers/dma_map_benchmark/bind
  fi
  echo "bench begins"
  dma-map-benchmark "$@"
  echo "bench ends"
}

# Whether invalidations leave the VCMDQs alone: bypass Y or bypass N.
bypass() {
  echo "$1" >$CMDQV_SWITCHES/bypass_vcmdq
}

# What a healthy boot has: the taint flags of the kernel, its SMMUs, its interrupts.
state() {
  echo "taint $(cat /proc/sys/kernel/tainted)"
  echo "SMMUs" /sys/class/iommu/*
  cat /proc/interrupts
}

line=$(cat /proc/cmdline)
case $line in
*'vsmmu.run="'*)
  run=${line#*vsmmu.run=\"}
  eval "${run%%\"*}"
  ;;
*) sh ;;
esac
poweroff -f
