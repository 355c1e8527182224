/* SPDX-License-Identifier: MIT */
/*
 * Interrupts between devices, the distributor and the vCPUs' CPU interfaces.
 *
 * Models   assembly/gicv3/interrupt.ts: replace, deliver, kick, change, setLine, changeGroup
 *          assembly/gicv3/candidates.ts: drop, highest, look, acknowledge
 *          assembly/gicv3/distributor.ts: writeRoute, writeControl
 * Threads  two vCPUs that sleep, acknowledge and end interrupts; a device with the one SPI that there is; software that works the
 *          distributor. As it stands: an edge-triggered SPI with two events; software disables and enables it. LEVEL: the line goes up twice,
 *          and falls when a handler has served the device. ROUTE: software routes the SPI to vCPU 1 and back. GROUP: software switches group 1
 *          off and on at GICD_CTLR, while another thread puts the SPI into the group; one event.
 * Abstract one INTID, so a set of candidates is a bit; priorities let everything through. The limit word is left out: a vCPU that is awake
 *          looks at its pending bit. What is one read-modify-write in the code is one step.
 *
 * Holds    - an edge leads to a later acknowledgement; a line that stays high is served until it falls, and one that fell is not;
 *          - no interrupt is active on two vCPUs;
 *          - none is acknowledged once the write has returned that disables it, or routes it to another vCPU; or that switches its group
 *            off, unless another thread puts it into the group just then;
 *          - no vCPU sleeps while an interrupt is deliverable to it.
 */

/* VARIANT: LEVEL */
/* VARIANT: ROUTE */
/* VARIANT: GROUP */
/* MUTATION: MUT_DROP_BLIND catches: a candidate that is cleared without another look at the word */
/* MUTATION: MUT_PENDING_LAST catches: a pending bit that is cleared after the last look */
/* MUTATION: MUT_PENDING_FIRST catches: a kick before the candidate is entered */
/* MUTATION: MUT_CLAIM_STORE catches: a claim that is a store and no compare-and-swap */
/* MUTATION: MUT_SLEEP_BLIND catches: a vCPU that waits without comparing its pending word */
/* MUTATION: MUT_ASLEEP_LATE catches: a vCPU that compares its pending word before it says that it sleeps */
/* MUTATION: MUT_NO_WAKE catches: a kick that does not wake */
/* MUTATION: MUT_NO_REDELIVER with LEVEL catches: an end of interrupt that does not sample the line again */
/* MUTATION: MUT_LATE_LINE with LEVEL catches: a line that falls after the register write that serves the device */
/* MUTATION: MUT_ROUTE_FORGETS with ROUTE catches: a route that does not take along what is pending */
/* MUTATION: MUT_CLAIM_ANY with ROUTE catches: a vCPU that claims what is routed to another */
/* MUTATION: MUT_GROUP_ONCE with GROUP catches: a word that follows GICD_CTLR without another look */
/* MUTATION: MUT_GROUP_READ with GROUP catches: an enable that the claim looks at in GICD_CTLR and not in the word */

/* The interrupt's word. */
#define LATCH 1
#define LINE 2
#define ENABLED 4
#define ACTIVE 8
#define GROUP1 16
#define FORWARDED 32
#define TARGET 64 /* vCPU 1, else vCPU 0 */

#ifdef GROUP
#define EVENTS 1
#else
#define EVENTS 2
#endif

#ifdef LEVEL
#define PENDING(w) (((w) & (LATCH | LINE)) != 0)
#else
#define PENDING(w) (((w) & LATCH) != 0)
#endif
#ifdef MUT_GROUP_READ
#define GROUPED(w) (((w) & GROUP1) != 0 && enableGrp1)
#else
#define GROUPED(w) (((w) & FORWARDED) != 0)
#endif
#define DELIVERABLE(w) (((w) & (ENABLED | ACTIVE)) == ENABLED && GROUPED(w) && PENDING(w))
#define TARGET_OF(w) (((w) & TARGET) / TARGET)
#ifdef MUT_CLAIM_ANY
#define MINE(w) DELIVERABLE(w)
#else
#define MINE(w) (DELIVERABLE(w) && TARGET_OF(w) == me)
#endif

#ifdef GROUP
byte word = ENABLED;
#else
byte word = ENABLED | GROUP1 | FORWARDED;
#endif
bool enableGrp1 = true; /* of GICD_CTLR */
bool grouped;           /* the other thread's write has returned */

bool candidate[2], pending[2], asleep[2], waiting[2]; /* GIC_CPU_CANDIDATES, the pending word, GIC_CPU_ASLEEP */
byte actives;
bool forbidden[2]; /* a write has returned after which this vCPU acknowledges nothing */
bool owed;         /* no acknowledgement has followed an edge */
bool wanting;      /* the device wants to be served */

/* kick: `to` is the vCPU. */
inline kick() {
  pending[to] = true;
#ifndef MUT_NO_WAKE
  if
  :: asleep[to] -> waiting[to] = false
  :: else
  fi
#endif
}

/* What `replace` does after its exchange; `now` is what it has stored. */
inline deliver() {
  if
  :: DELIVERABLE(now) ->
    to = TARGET_OF(now);
#ifdef MUT_PENDING_FIRST
    kick();
    candidate[to] = true
#else
    candidate[to] = true;
    kick()
#endif
  :: else
  fi;
  now = 0;
  to = 0
}

inline change(clear, set) {
  atomic { word = (word & (255 - (clear))) | (set); now = word };
  deliver()
}

inline drop() {
  candidate[me] = false;
#ifndef MUT_DROP_BLIND
  seen = word;
  if
  :: MINE(seen) -> candidate[me] = true
  :: else
  fi
#endif
}

/* highest and signalled: whether there is something to acknowledge. */
inline scan() {
  found = false;
  if
  :: candidate[me] ->
    seen = word;
    if
    :: MINE(seen) -> found = true
    :: else -> drop()
    fi
  :: else
  fi;
  seen = 0
}

inline look() {
  scan();
  if
  :: found
  :: else ->
#ifdef MUT_PENDING_LAST
    scan();
    if
    :: found
    :: else -> pending[me] = false
    fi
#else
    pending[me] = false;
    scan();
    if
    :: found -> pending[me] = true
    :: else
    fi
#endif
  fi
}

inline claimed() {
  got = true;
  word = (seen & (255 - LATCH)) | ACTIVE;
  actives++;
  assert(actives == 1);
  assert(!forbidden[me]);
  owed = false
}

/* The exchange of `acknowledge`. */
inline claim() {
  got = false;
  seen = word;
  if
  :: MINE(seen) ->
#ifdef MUT_CLAIM_STORE
    atomic { claimed() };
    drop()
#else
    atomic {
      if
      :: word == seen -> claimed()
      :: else
      fi
    };
    if
    :: got -> drop()
    :: else
    fi
#endif
  :: else
  fi;
  seen = 0
}

/* A handler: it serves the device, whose line falls with the register write, and ends the interrupt. */
inline handle() {
#ifdef LEVEL
  assert(wanting);
#ifdef MUT_LATE_LINE
  wanting = false;
#else
  atomic { wanting = false; word = word & (255 - LINE); now = word };
  deliver();
#endif
#endif
#ifdef MUT_NO_REDELIVER
  atomic { actives--; word = word & (255 - ACTIVE) };
#else
  atomic { actives--; word = word & (255 - ACTIVE); now = word };
  deliver()
#endif
}

proctype vcpu(byte me) {
  byte seen, now, to;
  bool found, got;
end:
  do
  :: pending[me] ->
    look();
    if
    :: found ->
      found = false;
      claim();
      if
      :: got -> got = false; handle()
      :: else
      fi
    :: else
    fi
  :: !pending[me] -> /* WFI */
#ifdef MUT_ASLEEP_LATE
    atomic {
      if
      :: !pending[me] -> waiting[me] = true
      :: else
      fi
    };
    asleep[me] = true;
#else
    asleep[me] = true;
#ifdef MUT_SLEEP_BLIND
    waiting[me] = true;
#else
    atomic {
      if
      :: !pending[me] -> waiting[me] = true
      :: else
      fi
    };
#endif
#endif
endWaiting:
    !waiting[me];
    asleep[me] = false
  od
}

proctype device() {
  byte now, to, n;
  do
  :: n == EVENTS -> break
  :: n < EVENTS ->
    n++;
#ifdef LEVEL
    atomic { !wanting -> wanting = true; word = word | LINE; now = word };
#else
    atomic { owed = true; word = word | LATCH; now = word };
#endif
    deliver();
#ifdef MUT_LATE_LINE
    atomic { !wanting -> word = word & (255 - LINE) }
#endif
  od
}

/* changeGroup: the word follows GROUP1 and GICD_CTLR. */
inline follow(set) {
#ifdef MUT_GROUP_READ
  change(0, set);
#else
  do
  :: old = word;
    enables = enableGrp1;
    next = (old & (255 - FORWARDED)) | (set);
    if
    :: (next & GROUP1) != 0 && enables -> next = next | FORWARDED
    :: else
    fi;
    atomic {
      if
      :: word == old -> word = next; now = next; done = true
      :: else -> done = false
      fi
    };
    if
    :: done ->
      deliver();
#ifdef MUT_GROUP_ONCE
      break
#else
      if
      :: enables == enableGrp1 -> break
      :: else
      fi
#endif
    :: else
    fi
  od;
  old = 0;
  next = 0;
  enables = false;
  done = false
#endif
}

inline forbid(a, b) {
  atomic { forbidden[0] = a; forbidden[1] = b }
}

proctype software() {
  byte now, to, old, next;
  bool enables, done;
#ifdef GROUP
  enableGrp1 = false;
  follow(0);
  atomic {
    if
    :: grouped -> forbidden[0] = true; forbidden[1] = true
    :: else
    fi
  };
  forbid(false, false);
  enableGrp1 = true;
  follow(0)
#else
#ifdef ROUTE
  change(0, TARGET);
  forbid(true, false);
  forbid(false, false);
#ifdef MUT_ROUTE_FORGETS
  atomic { word = word & (255 - TARGET) };
#else
  change(TARGET, 0);
#endif
  forbid(false, true)
#else
  change(ENABLED, 0);
  forbid(true, true);
  forbid(false, false);
  change(0, ENABLED)
#endif
#endif
}

#ifdef GROUP
proctype grouping() {
  byte now, to, old, next;
  bool enables, done;
  follow(GROUP1);
  grouped = true
}
#endif

init {
  atomic {
    run vcpu(0);
    run vcpu(1);
    run device();
    run software();
#ifdef GROUP
    run grouping()
#endif
  };
  timeout -> assert(!owed && !wanting && !PENDING(word) && actives == 0)
}
