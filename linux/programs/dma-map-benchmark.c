// SPDX-License-Identifier: MIT
// Runs the kernel's own benchmark of DMA mappings (kernel/dma/map_benchmark.c; the device
// must be bound): dma-map-benchmark THREADS MILLISECONDS GRANULE. Times are the guest's.
#include "system-calls.h"

/** Linux, include/uapi/linux/map_benchmark.h: struct map_benchmark. */
struct mapBenchmark {
  u64 averageMap100ns;
  u64 mapDeviation;
  u64 averageUnmap100ns;
  u64 unmapDeviation;
  u32 threads;
  u32 seconds;
  s32 node;
  u32 dmaBits;
  u32 direction;
  u32 transferNs;
  u32 granule;
  u8 mode;
  u8 reserved[75];
};
_Static_assert(sizeof(struct mapBenchmark) == 136, "its size is a part of the request's number");

/** _IOWR('d', 1, struct map_benchmark). */
enum { DMA_MAP_BENCHMARK = 0xC0886401 };
enum { ANY_NODE = -1, DMA_BITS = 32 };
/** The benchmark counts in seconds; a signal ends it earlier. */
enum { MOST_MILLISECONDS = 300000 };
enum { EINTR = 4 };
enum { ITIMER_REAL = 0, SIGALRM = 14 };

/** Linux, include/uapi/linux/time.h: struct __kernel_old_itimerval. */
struct intervalTimer {
  u64 intervalSeconds, intervalMicroseconds;
  u64 seconds, microseconds;
};

/** Linux, include/linux/signal_types.h: struct sigaction. */
struct signalAction {
  void (*handler)(int);
  u64 flags;
  void (*restorer)(void);
  u64 mask;
};

static void ignore(int signal) { (void)signal; }

/** Makes a signal interrupt the next call. */
static void interruptAfter(u64 milliseconds) {
  static struct signalAction action = {.handler = ignore};
  systemCall(SYS_RT_SIGACTION, SIGALRM, (u64)&action, 0, sizeof action.mask);
  static struct intervalTimer timer;
  timer.seconds = milliseconds / 1000;
  timer.microseconds = milliseconds % 1000 * 1000;
  systemCall(SYS_SETITIMER, ITIMER_REAL, (u64)&timer, 0, 0);
}

static const char FILE_NAME[] = "/sys/kernel/debug/dma_map_benchmark";

int mainOf(int argc, char **argv) {
  if (argc != 4) {
    print("dma-map-benchmark THREADS MILLISECONDS GRANULE\n");
    return 2;
  }
  long threads = numberOf(argv[1]);
  long milliseconds = numberOf(argv[2]);
  long granule = numberOf(argv[3]);
  if (threads < 1 || granule < 1 || milliseconds < 1 || milliseconds > MOST_MILLISECONDS) {
    print("dma-map-benchmark: three numbers from 1 on\n");
    return 2;
  }
  // Not on the stack, where the compiler would clear it with a library call.
  static struct mapBenchmark benchmark = {.node = ANY_NODE, .dmaBits = DMA_BITS};
  benchmark.threads = (u32)threads;
  benchmark.seconds = (u32)(milliseconds / 1000 + 1);
  benchmark.granule = (u32)granule;
  int file = openFile(FILE_NAME, O_RDWR);
  long result;
  // The signal can come before one of the threads has begun.
  do {
    interruptAfter((u64)milliseconds);
    result = systemCall(SYS_IOCTL, (u64)file, DMA_MAP_BENCHMARK, (u64)&benchmark, 0);
    milliseconds *= 2;
  } while (result == -EINTR && milliseconds <= MOST_MILLISECONDS);
  if (result < 0) failed(FILE_NAME, result);
  print("map ");
  printNumber(benchmark.averageMap100ns * 100);
  print(" ns, unmap ");
  printNumber(benchmark.averageUnmap100ns * 100);
  print(" ns\n");
  return 0;
}
