// SPDX-License-Identifier: MIT
// Prints the results of the kernel's own tests (KUnit), which ran while it booted, from the
// kernel's log: kunit for all suites, kunit SUITE... for these only. Fails if a test has
// failed, if a named suite is missing, or if the log lacks results.
#include "system-calls.h"

/** Linux, include/linux/syslog.h. */
enum { SYSLOG_READ_ALL = 3, SYSLOG_SIZE = 10 };

/** What the lines of the log say. */
static struct {
  /** Number of suites that the kernel has announced, and of those whose results are here. */
  u64 announced, found;
  /** Number of these that count, and that failed. */
  u64 counted, failed;
} results;

/** The text after a beginning; 0 if it does not begin so. */
static const char *after(const char *text, const char *beginning) {
  while (*beginning)
    if (*text++ != *beginning++) return 0;
  return text;
}

/** The number at the beginning of a text, and the text after it. */
static u64 leadingNumber(const char **text) {
  u64 value = 0;
  while (**text >= '0' && **text <= '9') value = 10 * value + (u64)(*(*text)++ - '0');
  return value;
}

/** The message of a line of the log, after "<6>[    0.123456] ". */
static const char *messageOf(const char *line) {
  if (*line == '<')
    while (*line && *line++ != '>') continue;
  if (*line == '[') {
    while (*line && *line != ']') line++;
    if (after(line, "] ")) line += 2;
  }
  return line;
}

/** Ends a name at the first blank: "suite # SKIP". */
static void endName(char *name) {
  while (*name && *name != ' ') name++;
  *name = 0;
}

/**
 * Looks for results of suites, which are KTAP without an indentation
 * (Linux, Documentation/dev-tools/ktap.rst): "1..3", "ok 1 suite", "not ok 2 suite".
 * @param names of the suites that count; none: all.
 */
static void consider(const char *line, char **names, int count, u8 *seen) {
  const char *message = messageOf(line);
  const char *plan = after(message, "1..");
  if (plan) {
    results.announced = leadingNumber(&plan);
    return;
  }
  const char *bad = after(message, "not ok ");
  const char *at = bad ? bad : after(message, "ok ");
  if (!at || !leadingNumber(&at) || *at != ' ') return;
  char *name = (char *)at + 1;
  endName(name);
  results.found++;
  int counts = count == 0;
  for (int i = 0; i < count; i++)
    if (isSame(names[i], name)) counts = seen[i] = 1;
  if (!counts) return;
  results.counted++;
  if (bad) results.failed++;
  print(bad ? "not ok " : "ok ");
  print(name);
  print("\n");
}

static void readLog(char *log, long length, char **names, int count, u8 *seen) {
  long begin = 0;
  for (long i = 0; i < length; i++) {
    if (log[i] != '\n') continue;
    log[i] = 0;
    consider(log + begin, names, count, seen);
    begin = i + 1;
  }
}

static int refuse(const char *why) {
  print("kunit: ");
  print(why);
  print("\n");
  return 1;
}

enum { MOST_NAMES = 64 };

int mainOf(int argc, char **argv) {
  static u8 seen[MOST_NAMES];
  int count = argc - 1;
  if (count > MOST_NAMES) {
    print("usage: kunit, kunit SUITE..., at most 64\n");
    return 2;
  }
  long size = systemCall(SYS_SYSLOG, SYSLOG_SIZE, 0, 0, 0);
  if (size < 0) failed("read", "the kernel's log", size);
  char *log = (char *)mapFile("memory", -1, 0, (u64)size, MAP_PRIVATE | MAP_ANONYMOUS);
  long length = systemCall(SYS_SYSLOG, SYSLOG_READ_ALL, (u64)log, (u64)size, 0);
  if (length < 0) failed("read", "the kernel's log", length);
  readLog(log, length, argv + 1, count, seen);
  if (results.announced == 0 && results.found == 0)
    return refuse("the kernel's log has no results: KUnit runs with kunit.enable=1 kunit.autorun=1");
  if (results.found != results.announced)
    return refuse("the kernel's log lacks some results: boot with log_buf_len=8M");
  for (int i = 0; i < count; i++) {
    if (seen[i]) continue;
    print("kunit: there is no suite ");
    print(argv[1 + i]);
    print("\n");
    return 1;
  }
  return results.failed > 0;
}
