/* SPDX-License-Identifier: MIT */
/*
 * Asking a guest for an exit.
 *
 * Models   vmm/threads/drain-worker.ts: #callHost; vmm/nested/vm-host.ts: service; vmm/machine/machine-core.ts: #safePoint, pause
 *          assembly/vcmdq-drain/ownership.ts: callHost
 * Threads  the side core, which finds twice that a queue needs the host; the thread that the guest and the host share, where the guest
 *          spins on its queue and leaves only when EXIT_REQUEST is set, or once for a reason of its own; a VMM that wants a pause.
 * Abstract the host's service is the note of the attention that it has seen, and the work, which covers what was raised before the note.
 *
 * Holds    - when everything has come to rest the host has seen the last attention, and the pause has been noticed.
 */

/* MUTATION: MUT_CLEARED_LAST catches: a host that takes the request back after its service */
/* MUTATION: MUT_TAKEN_BACK catches: a side core that takes a request back, which may be another's */
/* MUTATION: MUT_NO_REQUEST catches: a side core that asks for no exit */

byte attention, seen; /* HOST_AT_ATTENTION, HOST_AT_ATTENTION_SEEN */
bool request;         /* ABI_AT_EXIT_REQUEST */
bool wanted, paused;

inline safePoint() {
#ifndef MUT_CLEARED_LAST
  request = false;
#endif
  found = attention;
  seen = found;
  if
  :: wanted -> paused = true
  :: else
  fi;
#ifdef MUT_CLEARED_LAST
  request = false;
#endif
  found = 0
}

proctype guest() {
  byte found;
  bool left;
end:
  do
  :: request -> safePoint()
  :: !left -> left = true; safePoint()
  od
}

proctype sideCore() {
  byte n;
  do
  :: n == 2 -> break
  :: n < 2 ->
    n++;
    attention++;
#ifndef MUT_NO_REQUEST
    request = true
#endif
#ifdef MUT_TAKEN_BACK
    ;
    if
    :: seen == attention -> request = false
    :: else
    fi
#endif
  od
}

proctype vmm() {
  wanted = true;
  request = true
}

init {
  atomic { run guest(); run sideCore(); run vmm() };
  timeout -> assert(seen == attention && paused)
}
