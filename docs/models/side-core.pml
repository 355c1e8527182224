/*
 * The drain on a thread of its own: fairness, naps, stop.
 *
 * Models   assembly/vcmdq-drain/index.ts: serveContext; serve.ts: BUDGET; and the loop that a side core runs around them: serve every
 *          queue; after some idle rounds say so in SLEEPING, look once more, and nap until the BELL changes or the nap's time is over.
 * Threads  the side core with two queues; the guest of queue 0, which stores PROD and does nothing else (one plain store); the guest of
 *          queue 1, whose store our own runtime makes: it rings the bell when it finds SLEEPING set; the host, which stops the side core
 *          when both are done. FLOOD: guest 0 never stops adding commands. WOKEN: naps have no end, and both guests have the runtime.
 * Abstract a round of a queue is one step, which runs at most BUDGET commands (ownership.pml has the inside). The end of a nap is a choice
 *          that is always open; weak fairness of the verifier makes it come. CONS follows from `left`, the commands not yet consumed.
 *
 * Holds    - every PROD that was stored is consumed in the end: behind a bare store by the end of the nap, behind the runtime's store also
 *            without (WOKEN), and however busy another queue is (FLOOD);
 *          - a side core that is told to stop ends, asleep or not.
 */

/* VARIANT: FLOOD */
/* VARIANT: WOKEN */
/* MUTATION: MUT_ENDLESS_NAP catches: a nap without an end, and a guest that only stores */
/* MUTATION: MUT_NO_BELL with WOKEN catches: a runtime that does not ring */
/* MUTATION: MUT_ASKS_FIRST with WOKEN catches: a runtime that reads SLEEPING before it stores PROD */
/* MUTATION: MUT_NO_SECOND_LOOK with WOKEN catches: a side core that does not look again once it has said that it sleeps */
/* MUTATION: MUT_BELL_LATE with WOKEN catches: a side core that reads the bell behind its last look */
/* MUTATION: MUT_SILENT_STOP with WOKEN catches: a stop that does not ring */
/* MUTATION: MUT_NO_BUDGET with FLOOD catches: a side core that stays with a queue until it is empty */

#define BUDGET 1
#define EACH 2  /* commands of a guest */
#define ROOM 3  /* entries of a ring */

byte left[2];   /* PROD - CONS */
bool finished[2];
bool sleeping, stop, ended;
byte bell;

inline ringBell() {
  if
  :: sleeping -> bell++ /* and Atomics.notify */
  :: else
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

active proctype sideCore() {
  byte heard;
  bit idle;
  do
  :: stop -> break
  :: else ->
    idle = 1;
    serve(0);
    serve(1);
    if
    :: idle ->
#ifndef MUT_BELL_LATE
      heard = bell;
#endif
      sleeping = true;
#ifndef MUT_NO_SECOND_LOOK
      serve(0);
      serve(1);
#endif
#ifdef MUT_BELL_LATE
      heard = bell;
#endif
      if
      :: idle && !stop ->
        if
        :: bell != heard
#ifndef WOKEN
#ifndef MUT_ENDLESS_NAP
        :: true
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
#ifdef MUT_ASKS_FIRST
    asked = sleeping;
#endif
    left[q]++;
#ifdef MUT_ASKS_FIRST
    if
    :: asked -> bell++
    :: else
    fi
#else
#ifndef MUT_NO_BELL
#ifdef WOKEN
    ringBell()
#else
    if
    :: q == 1 -> ringBell()
    :: else
    fi
#endif
#endif
#endif
  :: n == EACH -> break
  od;
  left[q] == 0;
  finished[q] = true
}

active proctype host() {
  finished[0] && finished[1];
  stop = true;
#ifndef MUT_SILENT_STOP
  bell++
#endif
}

init {
  atomic { run guest(0); run guest(1) }
}

#ifdef FLOOD
ltl consumed { [] (left[1] > 0 -> <> (left[1] == 0)) }
#else
ltl consumed { <> (finished[0] && finished[1]) && <> ended }
#endif
