/* SPDX-License-Identifier: MIT */
/*
 * The drain on a thread of its own: fairness, naps, stop.
 *
 * Models   vmm/threads/drain-worker.ts: run, #spin, #nap; assembly/vcmdq-drain/index.ts: watch; run-commands.ts: BUDGET
 *          guest-driver/runtime/direct-map.ts: wakeDrain; vmm/threads/side-core.ts: stop, #wake; vmm/vcpu/arm64/arm64-drain-sleep.ts: set
 * Threads  the side core with two queues; the guest of queue 0, which stores PROD and does nothing else (one plain store); the guest of
 *          queue 1, whose store our own runtime makes: it wakes the side core when it finds SLEEPING set; the host, which stops the side
 *          core when both are done. FLOOD: guest 0 never stops adding commands. WOKEN: naps have no end, both guests have the runtime, and
 *          nobody stops the side core. AWAKE: the guests are vCPUs of one arm64 machine, which only store, and say when they may do so;
 *          while none of them may, a nap has no end.
 *          Of several machines the side core sleeps on the word of one: guest 0 stands for those whose word it does not sleep on as well, its
 *          store is heard at the end of the nap.
 * Abstract a round of a queue is one step, which runs at most BUDGET commands (ownership.pml has the inside); spinning is a choice. The end
 *          of a nap is a choice that is always open; weak fairness of the verifier makes it come. PROD - CONS is one number.
 *
 * Holds    - every PROD that was stored is consumed in the end: after a bare store by the end of the nap, after the runtime's store also
 *            without (WOKEN), and however busy another queue is (FLOOD);
 *          - a side core that is told to stop ends, asleep or not;
 *          - what a vCPU has stored is consumed although it sleeps, and nobody else is awake (AWAKE).
 */

/* VARIANT: FLOOD */
/* VARIANT: WOKEN */
/* VARIANT: AWAKE */
/* MUTATION: MUT_ENDLESS_NAP catches: a nap without an end, for a guest that only stores and for a stop */
/* MUTATION: MUT_NO_WAKE with WOKEN catches: a runtime that does not wake */
/* MUTATION: MUT_ASKS_FIRST with WOKEN catches: a runtime that reads SLEEPING before it stores PROD */
/* MUTATION: MUT_NO_LAST_LOOK with WOKEN catches: a side core that does not look again once it has said that it sleeps */
/* MUTATION: MUT_WAKE_LATE with WOKEN catches: a side core that reads WAKE after its last look */
/* MUTATION: MUT_WAKE_BETWEEN with WOKEN catches: reading WAKE after SLEEPING is set, which a late wake clears again */
/* MUTATION: MUT_SAYS_LATE with AWAKE catches: a vCPU that wakes the side core before it says that it is awake */
/* MUTATION: MUT_ASKS_EARLY with AWAKE catches: a side core that asks who is awake before it says that it sleeps */
/* MUTATION: MUT_ASKS_LATE with AWAKE catches: a side core that asks who is awake after its last look */
/* MUTATION: MUT_SLEEPS_FIRST with AWAKE catches: a vCPU that says that it sleeps before its last store */
/* MUTATION: MUT_SILENT_STOP with AWAKE catches: a stop that does not wake */
/* MUTATION: MUT_CUT_RESTARTS with FLOOD catches: a look that was cut and begins anew at the first queue */
/* MUTATION: MUT_NO_BUDGET with FLOOD catches: a side core that stays with a queue until it is empty */

#define BUDGET 1
#define EACH 2  /* commands of a guest */
#define ROOM 3  /* entries of a ring */

byte left[2];   /* PROD - CONS */
bool finished[2];
bool sleeping, stop, ended; /* ABI_AT_DRAIN_SLEEPING, SIDE_STOP */
byte wake;      /* ABI_AT_DRAIN_WAKE */
#ifdef AWAKE
bool awake[2];  /* ARM64_AWAKE */
#endif

inline wakeDrain() {
  if
  :: sleeping -> if :: d_step { sleeping -> sleeping = false } -> wake++ :: !sleeping fi
  :: !sleeping
  fi
}

inline serve(q) {
#ifdef MUT_NO_BUDGET
  do
  :: left[q] > 0 -> left[q]--; idle = 0
  :: else -> break
  od
#else
  d_step { if :: left[q] > 0 -> left[q] = left[q] - BUDGET; idle = 0 :: else fi }
#endif
}

/* A look at every queue, which may end after one that had work; the next begins at the other. */
inline pass() {
  serve(next);
  if
  :: true -> serve(1 - next)
  :: !idle ->
#ifndef MUT_CUT_RESTARTS
    next = 1 - next
#else
    skip
#endif
  fi
}

#ifdef AWAKE
inline askWhoIsAwake() {
  quiet = !awake[0];
  quiet = quiet && !awake[1]
}

inline wakeUp(q) {
#ifdef MUT_SAYS_LATE
  wakeDrain();
  awake[q] = true
#else
  awake[q] = true;
  wakeDrain()
#endif
}
#endif

active proctype sideCore() {
  byte heard;
  byte next; /* CTX_NEXT_SLOT */
  bit idle;
#ifdef AWAKE
  bool quiet;
#endif
  do
  :: stop -> break
  :: else ->
    idle = 1;
    pass();
    if
    :: idle ->
#ifndef MUT_WAKE_LATE
#ifndef MUT_WAKE_BETWEEN
      heard = wake;
#endif
#endif
#ifdef MUT_ASKS_EARLY
      askWhoIsAwake();
#endif
      sleeping = true;
#ifdef AWAKE
#ifndef MUT_ASKS_EARLY
#ifndef MUT_ASKS_LATE
      askWhoIsAwake();
#endif
#endif
#endif
#ifdef MUT_WAKE_BETWEEN
      heard = wake;
#endif
#ifndef MUT_NO_LAST_LOOK
      pass();
#endif
#ifdef MUT_WAKE_LATE
      heard = wake;
#endif
#ifdef MUT_ASKS_LATE
      askWhoIsAwake();
#endif
      if
      :: idle && !stop ->
        if
        :: wake != heard
#ifdef AWAKE
        :: !quiet
#else
#ifndef WOKEN
#ifndef MUT_ENDLESS_NAP
        :: true
#endif
#endif
#endif
        fi
      :: else
      fi;
      sleeping = false
    :: else
    fi
  od;
  ended = true
}

proctype guest(byte q) {
  byte n;
  bool asked;
  do
#ifdef FLOOD
  :: q == 0 && left[0] < ROOM -> left[0]++
#endif
  :: n < EACH && left[q] < ROOM ->
    n++;
#ifdef AWAKE
    wakeUp(q);
#ifdef MUT_SLEEPS_FIRST
    awake[q] = false;
#endif
#endif
#ifdef MUT_ASKS_FIRST
    asked = sleeping;
#endif
    left[q]++;
#ifdef AWAKE
    /* It waits for an interrupt, whatever has become of its command. */
    awake[q] = false;
#else
#ifdef MUT_ASKS_FIRST
    if
    :: asked -> wake++
    :: else
    fi
#else
#ifndef MUT_NO_WAKE
#ifdef WOKEN
    wakeDrain()
#else
    if
    :: q == 1 -> wakeDrain()
    :: else
    fi
#endif
#endif
#endif
#endif
  :: n == EACH -> break
  od;
  left[q] == 0;
  finished[q] = true
}

#ifndef WOKEN
active proctype host() {
  finished[0] && finished[1];
  stop = true;
#ifdef AWAKE
#ifndef MUT_SILENT_STOP
  wakeDrain()
#endif
#endif
}
#endif

init {
  atomic { run guest(0); run guest(1) }
}

#ifdef FLOOD
ltl consumed { [] (left[1] > 0 -> <> (left[1] == 0)) }
#else
#ifdef WOKEN
ltl consumed { <> (finished[0] && finished[1]) }
#else
ltl consumed { <> (finished[0] && finished[1]) && <> ended }
#endif
#endif
