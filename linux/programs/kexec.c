// SPDX-License-Identifier: MIT
// Starts another kernel in place of this one: kexec IMAGE INITRD FILE, where FILE
// contains its command line, with or without a newline at the end.
#include "system-calls.h"

/** Linux, include/uapi/linux/reboot.h. */
static const u64 MAGIC1 = 0xfee1dead;
enum { MOST_COMMAND_LINE = 2048 };
enum { MAGIC2 = 672274793, REBOOT_KEXEC = 0x45584543 };

/** The node of the ITS in the machine's device tree. */
static const char ITS[] =
    "/proc/device-tree/interrupt-controller@8000000/msi-controller@8080000/compatible";

int mainOf(int argc, char **argv) {
  if (argc != 4) {
    print("usage: kexec IMAGE INITRD FILE\n");
    return 2;
  }
  int image = openFile(argv[1], O_RDONLY);
  int initrd = openFile(argv[2], O_RDONLY);
  static char line[MOST_COMMAND_LINE + 1];
  int lineFile = openFile(argv[3], O_RDONLY);
  long length = systemCall(SYS_READ, (u64)lineFile, (u64)line, MOST_COMMAND_LINE, 0);
  if (length < 0) failed("read", argv[3], length);
  closeFile(lineFile);
  if (length > 0 && line[length - 1] == '\n') line[--length] = 0;
  for (long i = 0; i < length; i++) {
    if (line[i] == '\n' || length == MOST_COMMAND_LINE) {
      print("kexec: ");
      print(argv[3]);
      print(": a command line is one line of at most 2047 bytes\n");
      return 2;
    }
  }
  // An ITS cannot be given back: its tables stay in memory that the next kernel uses.
  if (isFile(ITS)) {
    print("kexec: the next kernel would fail at this machine's ITS: boot with --msi v2m or none\n");
    return 1;
  }
  // The length counts the NUL.
  long result = systemCall6(SYS_KEXEC_FILE_LOAD, (u64)image, (u64)initrd, (u64)length + 1,
                            (u64)line, 0, 0);
  if (result < 0) failed("load", argv[1], result);
  failed("start", argv[1], systemCall(SYS_REBOOT, MAGIC1, MAGIC2, REBOOT_KEXEC, 0));
}
