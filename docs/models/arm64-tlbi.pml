/* SPDX-License-Identifier: MIT */
/*
 * TLB maintenance between arm64 vCPUs on threads of their own.
 *
 * Models   assembly/arm64/inboxes.ts: ask, askOthers, serveInbox, serve, passBoundary, leaveGuest, beginExit, endExit, waitForOthers
 *          assembly/arm64/exception.ts: boundary, as far as it arms the limit and serves
 *          assembly/arm64/slow-access.ts: locateData, a walk that enters a translation
 * Threads  two vCPUs. The first one changes translations of two pages, executes TLBI of the Inner Shareable domain for them and DSB, in
 *          any order and also several TLBIs for one DSB. The other one accesses the pages, leaves the guest and comes back, also in the
 *          middle of an instruction. MUTUAL: both do all of that, with one page.
 * Abstract a translation is a version of its page; a TLB has one entry for each page. An inbox holds two requests, of which one may be
 *          lost, as in the code one of 16 may be. A program that only spins goes on to its next boundary when its limit is lowered, and not
 *          before: slices that end by themselves would hide a kick that is lost.
 *
 * Holds    - no access uses a translation older than one whose TLBI a completed DSB has waited for, by whichever vCPU;
 *          - every DSB completes, also two that wait for each other, and while a vCPU is at an exit or out of the guest.
 */

/* VARIANT: MUTUAL */
/* MUTATION: MUT_NO_WAIT catches: a DSB that does not wait */
/* MUTATION: MUT_NO_SERVE_ON_ENTRY catches: a vCPU that comes back without looking at what it was asked for */
/* MUTATION: MUT_PRESENCE_LAST catches: a vCPU that says that it is back after the look */
/* MUTATION: MUT_NO_SERVE_BEHIND_EXIT catches: an instruction that goes on after an exit without a look */
/* MUTATION: MUT_MIDWALK catches: a vCPU that acknowledges between a walk and its entry */
/* MUTATION: MUT_NO_OVERFLOW catches: a reader that does not see that requests were lost */
/* MUTATION: MUT_OVERFLOW_BEFORE catches: a reader that looks for lost requests only before it reads */
/* MUTATION: MUT_NOTICE_LAST catches: a notice that is taken back after the inboxes */
/* MUTATION: MUT_LIMIT_LAST catches: a limit that is armed after the look at the notice */
/* MUTATION: MUT_KICK_FIRST catches: a kick before the request is made */
/* MUTATION: MUT_MADE_FIRST catches: a request that is counted before it is there */
/* MUTATION: MUT_DEAF_DSB with MUTUAL catches: a DSB that does not serve others while it waits */

#ifdef MUTUAL
#define PAGES 1
#define CHANGES(me) 1
#define DOES_ALL(me) true
#else
#define PAGES 2
#define CHANGES(me) (3 * (1 - me))
#define DOES_ALL(me) (me == 1)
#endif
#define LAST (PAGES - 1)
#define LENGTH 2

#define INSIDE 1
#define MIDWAY 2

typedef Tlb { byte version[PAGES] } /* 0: no entry, else 1 more than the version */
typedef Inbox { byte made; byte done; byte request[LENGTH] }

/* Versions of the pages' translations, and the oldest that may be used. */
byte table[PAGES];
byte oldest[PAGES];
Tlb tlb[2];
/* By the vCPU that reads it. */
Inbox inbox[2];
bool notice[2];
bool kicked[2];
byte presence[2];
bool over[2];

inline forgetAll(me) { atomic { tlb[me].version[0] = 0; tlb[me].version[LAST] = 0 } }

/* serveInbox and serve. */
inline serve(me) {
  if
  :: !notice[me]
  :: else ->
#ifndef MUT_NOTICE_LAST
    notice[me] = false;
#endif
    do
    :: atomic { inbox[me].made == inbox[me].done -> break }
    :: atomic { else -> made = inbox[me].made }
      first = inbox[me].done;
#ifndef MUT_NO_OVERFLOW
      if
      :: made - first < LENGTH ->
#endif
        n = first;
        do
        :: n == made -> break
        :: else ->
          atomic { tlb[me].version[inbox[me].request[n % LENGTH]] = 0; n++ }
        od;
#ifndef MUT_NO_OVERFLOW
#ifdef MUT_OVERFLOW_BEFORE
      :: else -> forgetAll(me)
      fi;
#else
      :: else
      fi;
      if
      :: inbox[me].made - first >= LENGTH -> forgetAll(me)
      :: else
      fi;
#endif
#endif
      inbox[me].done = made
    od;
#ifdef MUT_NOTICE_LAST
    notice[me] = false;
#endif
  fi
}

/* boundary: the limit, then what others have asked for. */
inline passBoundary(me) {
#ifndef MUT_LIMIT_LAST
  kicked[me] = false;
#endif
#ifndef MUT_PRESENCE_LAST
  presence[me] = INSIDE;
#endif
#ifdef MUT_NO_SERVE_ON_ENTRY
  if
  :: entering
  :: else -> serve(me)
  fi;
#else
  serve(me);
#endif
#ifdef MUT_PRESENCE_LAST
  presence[me] = INSIDE;
#endif
#ifdef MUT_LIMIT_LAST
  kicked[me] = false;
#endif
  entering = false
}

/* One request: TLBI of a page whose translation has been changed. */
inline ask(peer, page) {
#ifdef MUT_KICK_FIRST
  notice[peer] = true;
  kicked[peer] = true;
#endif
#ifdef MUT_MADE_FIRST
  inbox[peer].made++;
  inbox[peer].request[(inbox[peer].made - 1) % LENGTH] = page;
#else
  inbox[peer].request[inbox[peer].made % LENGTH] = page;
  inbox[peer].made++;
#endif
#ifndef MUT_KICK_FIRST
  notice[peer] = true;
  kicked[peer] = true
#endif
}

/* waitForOthers. What takes long leaves the run and comes back in the code; here it waits. */
inline synchronize(me, peer) {
#ifndef MUT_NO_WAIT
  do
  :: inbox[peer].done == inbox[peer].made -> break
  :: else ->
    if
    :: (presence[peer] & INSIDE) == 0 -> break
    :: else ->
#ifdef MUT_DEAF_DSB
      inbox[peer].done == inbox[peer].made || (presence[peer] & INSIDE) == 0
#else
      if
      :: inbox[peer].done == inbox[peer].made
      :: (presence[peer] & INSIDE) == 0
      :: notice[me] -> serve(me)
      fi
#endif
    fi
  od;
#endif
  atomic {
    if
    :: mine[0] > oldest[0] -> oldest[0] = mine[0]
    :: else
    fi;
    if
    :: mine[LAST] > oldest[LAST] -> oldest[LAST] = mine[LAST]
    :: else
    fi;
    posted = false
  }
}

proctype vcpu(byte me) {
  byte peer = 1 - me;
  byte mine[PAGES];
  byte made, first, n, page, used;
  byte changes = CHANGES(me);
  bool posted, entering = true;

  passBoundary(me);
  do
  :: changes > 0 ->
    changes--;
    if
    :: page = 0
    :: page = LAST
    fi;
    atomic { table[page]++; mine[page] = table[page] }
    tlb[me].version[page] = 0;
    ask(peer, page);
    posted = true
  :: posted -> synchronize(me, peer)
  :: DOES_ALL(me) ->
    /* An access: what the TLB has, or a walk, which enters what it has found. */
    if
    :: page = 0
    :: page = LAST
    fi;
    if
    :: tlb[me].version[page] == 0 -> used = table[page] + 1;
#ifdef MUT_MIDWALK
      serve(me);
#endif
      tlb[me].version[page] = used
    :: else -> used = tlb[me].version[page]
    fi;
    assert(used > oldest[page]);
    used = 0
  :: DOES_ALL(me) ->
    /* An access of a device: the host is asked in the middle of the instruction. */
    presence[me] = MIDWAY;
    presence[me] = INSIDE | MIDWAY;
#ifndef MUT_NO_SERVE_BEHIND_EXIT
    serve(me);
#endif
    kicked[me] = true
  :: DOES_ALL(me) ->
    presence[me] = 0;
    entering = true;
    passBoundary(me)
  :: kicked[me] -> passBoundary(me)
  :: changes == 0 && !posted -> break
  od;
  /* Nothing more to do but to spin until the other one is done: a boundary comes with a kick. */
  over[me] = true;
  do
  :: kicked[me] -> passBoundary(me)
  :: over[peer] -> break
  od;
  presence[me] = 0
}

init {
  atomic {
    run vcpu(0);
    run vcpu(1)
  }
}
