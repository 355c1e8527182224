// SPDX-License-Identifier: MIT
// Runs the kernel's own benchmark of DMA mappings (kernel/dma/map_benchmark.c; the device
// must be bound): dma-map-benchmark THREADS MILLISECONDS GRANULE. Times are the guest's.
// With --check before them, it only checks the arguments, as those of `bench`.
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
/** The benchmark's own limits (DMA_MAP_MAX_THREADS, and that of the granule). */
enum { MOST_THREADS = 1024, MOST_PAGES = 1024 };
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
  int checks = argc > 1 && isSame(argv[1], "--check");
  if (checks) {
    argc--;
    argv++;
  }
  long threads = argc == 4 ? numberOf(argv[1]) : -1;
  long milliseconds = argc == 4 ? numberOf(argv[2]) : -1;
  long granule = argc == 4 ? numberOf(argv[3]) : -1;
  if (threads < 1 || threads > MOST_THREADS || granule < 1 || granule > MOST_PAGES ||
      milliseconds < 1 || milliseconds > MOST_MILLISECONDS) {
    print("usage: bench THREADS MILLISECONDS GRANULE, numbers from 1 to 1024, 300000, 1024\n");
    return 2;
  }
  if (checks) return 0;
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
  if (result < 0) failed("run the benchmark of", FILE_NAME, result);
  print("map ");
  printNumber(benchmark.averageMap100ns * 100);
  print(" ns, unmap ");
  printNumber(benchmark.averageUnmap100ns * 100);
  print(" ns\n");
  return 0;
}
