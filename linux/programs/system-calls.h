// SPDX-License-Identifier: MIT
// System calls of arm64 Linux and output, without a C library, which would have
// floating-point instructions that the vCPU does not support.
#pragma once

typedef unsigned char u8;
typedef unsigned int u32;
typedef int s32;
typedef unsigned short u16;
typedef unsigned long u64;

// Numbers: Linux, include/uapi/asm-generic/unistd.h.
enum {
  SYS_IOCTL = 29,
  SYS_FACCESSAT = 48,
  SYS_OPENAT = 56,
  SYS_CLOSE = 57,
  SYS_READ = 63,
  SYS_WRITE = 64,
  SYS_PREAD64 = 67,
  SYS_PWRITE64 = 68,
  SYS_PPOLL = 73,
  SYS_EXIT = 93,
  SYS_NANOSLEEP = 101,
  SYS_SETITIMER = 103,
  SYS_SYSLOG = 116,
  SYS_RT_SIGACTION = 134,
  SYS_REBOOT = 142,
  SYS_MMAP = 222,
  SYS_KEXEC_FILE_LOAD = 294,
};

enum { AT_FDCWD = -100 };
enum { O_RDONLY = 0, O_RDWR = 2 };
enum { STDOUT = 1 };

// Linux, include/uapi/asm-generic/errno-base.h and errno.h.
enum {
  EPERM = 1,
  ENOENT = 2,
  EINTR = 4,
  EIO = 5,
  ENXIO = 6,
  ENOEXEC = 8,
  ENOMEM = 12,
  EACCES = 13,
  EBUSY = 16,
  ENODEV = 19,
  ENOTDIR = 20,
  EISDIR = 21,
  EINVAL = 22,
  ENOTTY = 25,
  ENOSPC = 28,
  EROFS = 30,
  EOPNOTSUPP = 95,
};

static inline long systemCall6(long number, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f) {
  register long x8 __asm__("x8") = number;
  register u64 x0 __asm__("x0") = a;
  register u64 x1 __asm__("x1") = b;
  register u64 x2 __asm__("x2") = c;
  register u64 x3 __asm__("x3") = d;
  register u64 x4 __asm__("x4") = e;
  register u64 x5 __asm__("x5") = f;
  __asm__ volatile("svc #0"
                   : "+r"(x0)
                   : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                   : "memory");
  return (long)x0;
}

static inline long systemCall(long number, u64 a, u64 b, u64 c, u64 d) {
  return systemCall6(number, a, b, c, d, 0, 0);
}

static inline u64 lengthOf(const char *text) {
  u64 length = 0;
  while (text[length]) length++;
  return length;
}

static inline int isSame(const char *a, const char *b) {
  while (*a && *a == *b) {
    a++;
    b++;
  }
  return *a == *b;
}

static inline void print(const char *text) {
  systemCall(SYS_WRITE, STDOUT, (u64)text, lengthOf(text), 0);
}

static inline void printNumber(u64 value) {
  char text[21];
  char *at = text + sizeof text;
  *--at = 0;
  do *--at = (char)('0' + value % 10);
  while (value /= 10);
  print(at);
}

static inline void printHex(u64 value) {
  char text[19];
  char *at = text + sizeof text;
  *--at = 0;
  do *--at = "0123456789abcdef"[value & 0xf];
  while (value >>= 4);
  *--at = 'x';
  *--at = '0';
  print(at);
}

static inline _Noreturn void endProgram(int status) {
  for (;;) systemCall(SYS_EXIT, (u64)status, 0, 0, 0);
}

/** What an errno means; undefined ones have only their number. */
static inline const char *errnoText(long errno) {
  switch (errno) {
    case EPERM: return "not permitted";
    case ENOENT: return "no such file";
    case EIO: return "an input or output error";
    case ENXIO:
    case ENODEV: return "no such device";
    case ENOEXEC: return "not a kernel that this one can start";
    case ENOMEM: return "out of memory";
    case EACCES: return "access denied";
    case EBUSY: return "in use";
    case ENOTDIR: return "a part of the path is not a directory";
    case EISDIR: return "a directory";
    case EINVAL: return "an invalid argument";
    case ENOTTY: return "not a file for this call";
    case ENOSPC: return "none left";
    case EROFS: return "read-only";
    case EOPNOTSUPP: return "not supported";
    default: return "an error";
  }
}

/** The name of the program, for its messages. */
static const char *programName = "";

/**
 * Reports what failed on what and why, what to do about it, and exits:
 * "checksum: cannot open /x: no such file (errno 2)".
 * @param advice empty if there is none.
 */
static inline _Noreturn void failedAdvising(const char *tried, const char *what, long result,
                                            const char *advice) {
  print(programName);
  print(": cannot ");
  print(tried);
  print(" ");
  print(what);
  print(": ");
  print(errnoText(-result));
  print(" (errno ");
  printNumber((u64)-result);
  print(")");
  if (*advice) print(": ");
  print(advice);
  print("\n");
  endProgram(1);
}

static inline _Noreturn void failed(const char *tried, const char *what, long result) {
  failedAdvising(tried, what, result, "");
}

/** What to do when a call fails with an errno. */
struct advice {
  const char *call;
  long errno;
  const char *text;
};

/** Reports a failed call on a file, with the advice of a list that ends with an empty one. */
static inline _Noreturn void failedCall(const char *call, long result, const struct advice *advice) {
  while (advice->call && (advice->errno != -result || !isSame(advice->call, call))) advice++;
  failedAdvising("perform", call, result, advice->call ? advice->text : "");
}

static inline int openAdvising(const char *path, int flags, const char *adviceIfMissing) {
  long file = systemCall(SYS_OPENAT, (u64)AT_FDCWD, (u64)path, (u64)flags, 0);
  if (file < 0) failedAdvising("open", path, file, file == -ENOENT ? adviceIfMissing : "");
  return (int)file;
}

static inline int openFile(const char *path, int flags) { return openAdvising(path, flags, ""); }

static inline void closeFile(int file) { systemCall(SYS_CLOSE, (u64)file, 0, 0, 0); }

/**
 * The value of a number, hexadecimal after 0x, up to 32 bits; -1 when the text is not a
 * number.
 */
static inline long numberOf(const char *text) {
  u64 base = 10;
  if (text[0] == '0' && text[1] == 'x') {
    base = 16;
    text += 2;
  }
  u64 value = 0;
  if (!*text) return -1;
  for (; *text; text++) {
    u64 digit = (u64)(*text >= 'a' ? *text - 'a' + 10 : *text - '0');
    if (digit >= base) return -1;
    value = base * value + digit;
    if (value >> 32) return -1;
  }
  return (long)value;
}

static inline void sleepFor(u64 nanoseconds) {
  static struct {
    u64 seconds, nanoseconds;
  } time;
  time.nanoseconds = nanoseconds;
  systemCall(SYS_NANOSLEEP, (u64)&time, 0, 0, 0);
}

enum { PROT_READ_WRITE = 3, MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_ANONYMOUS = 0x20 };
enum { MAPPED_SIZE = 0x10000 };

/**
 * Maps a file, or memory with `flags` MAP_ANONYMOUS.
 * @param what for the message if that fails.
 */
static inline volatile u8 *mapFile(const char *what, int file, u64 offset, u64 length, int flags) {
  long at = systemCall6(SYS_MMAP, 0, length, PROT_READ_WRITE, (u64)flags, (u64)file, offset);
  if (at < 0 && at > -4096) failed("map", what, at);
  return (volatile u8 *)at;
}

static inline int isFile(const char *path) {
  return systemCall(SYS_FACCESSAT, (u64)AT_FDCWD, (u64)path, 0, 0) == 0;
}

static const char MEMORY_FILE[] = "/dev/mem";

/** Maps the 64 KiB of physical memory, RAM or device, that contain an address. */
static inline volatile u8 *mapPhysical(u64 pa) {
  int file = openFile(MEMORY_FILE, O_RDWR);
  u64 offset = pa & (MAPPED_SIZE - 1);
  volatile u8 *at = mapFile(MEMORY_FILE, file, pa - offset, MAPPED_SIZE, MAP_SHARED);
  closeFile(file);
  return at + offset;
}

int mainOf(int argc, char **argv);

// The kernel stores argc at SP, followed by argv (AAPCS64 Linux process entry).
__asm__(
    ".globl _start\n"
    "_start:\n"
    "  mov x29, xzr\n"
    "  mov x30, xzr\n"
    "  ldr x0, [sp]\n"
    "  add x1, sp, #8\n"
    "  and sp, x1, #-16\n"
    "  bl begin\n");

__attribute__((used)) static _Noreturn void begin(int argc, char **argv) {
  if (argc > 0) {
    programName = argv[0];
    for (const char *at = argv[0]; *at; at++)
      if (*at == '/') programName = at + 1;
  }
  endProgram(mainOf(argc, argv));
}
