/* SPDX-License-Identifier: MIT */
/*
 * IOTLB: insert against invalidate against look-up.
 *
 * Models   assembly/smmu-core/set-lock.ts: takeSet, releaseSet, freeSet, markKilled
 *          assembly/smmu-core/iotlb.ts: tlbLookup, alive, tlbInsert, reapTlbSet
 *          assembly/smmu-core/invalidate.ts: invalidateVa, sweepAddress, sweepRange, killMatching
 *          assembly/smmu-core/generations.ts: touch, raiseTo, killVmid, killAsid, killAll
 *          assembly/smmu-core/translate.ts: the sample of the generations, walk and insert; assembly/vcmdq-drain/index.ts: reapThread
 * Threads  translators that make one access each, three in TORN and two otherwise; an invalidator that changes the page table, then sends
 *          one TLBI and a CMD_SYNC. As it stands: TLBI by address. GENERATIONS: two invalidators, TLBI of everything, by VMID or by ASID.
 *          DEATH: one translator may die while it has a set, and is reaped. TORN: no invalidation; only here every field of an entry is
 *          read and written by a step of its own.
 * Pages    X and Y lie in different sets. With `block` they lie in one stage-1 block, of which the IOTLB holds pieces. Z (in TORN) lies in
 *          X's set. A set has one way, so that a replacement hits what is being read.
 * Abstract one size, one VMID, one ASID. What a page maps to is a version number. A CMD_SYNC blocks until no earlier access is left
 *          (sync.pml has the parking). Steps follow each other in the program's order, as wasm atomics do. MUT_LATE_LOADS shows that the
 *          loads of an entry's fields have to as well.
 *
 * Holds    - no access ends that used a version whose removal a completed CMD_SYNC vouches for;
 *          - a hit has the tag and the output of one and the same entry;
 *          - a set has one inserter at a time; nobody waits for a set, also not for that of a dead thread.
 */

/* VARIANT: GENERATIONS */
/* VARIANT: DEATH */
/* VARIANT: TORN */
/* MUTATION: MUT_NO_SEQUENCE with TORN catches: a look-up that does not look at the sequence word again */
/* MUTATION: MUT_READ_BUSY with TORN catches: a look-up in a set that an inserter has */
/* MUTATION: MUT_LATE_LOADS with TORN catches: a look-up whose loads of the entry pass the second look at the sequence word */
/* MUTATION: MUT_TAKE_NOT_ATOMIC with TORN catches: taking a set with a load and a store */
/* MUTATION: MUT_NO_KILLED catches: an invalidation that does not mark a taken set */
/* MUTATION: MUT_RELEASE_BLIND catches: an inserter that does not notice the mark */
/* MUTATION: MUT_SIZES_LATE catches: announcing the size after the check of the generation */
/* MUTATION: MUT_NO_CHECK catches: an insert that does not check the generation again */
/* MUTATION: MUT_CHECK_EARLY catches: checking the generation before the set is taken */
/* MUTATION: MUT_SAMPLE_LATE catches: sampling the generation after the walk */
/* MUTATION: MUT_TOUCH_LATE catches: raising the generation after the sweep */
/* MUTATION: MUT_FRACTURED_EARLY catches: asking for fractured entries before the generation is raised */
/* MUTATION: MUT_FRACTURED_IGNORED catches: a sweep by address over fractured entries */
/* MUTATION: MUT_RAISE_BACK with GENERATIONS catches: a generation set back by an invalidation that ends late */
/* MUTATION: MUT_REAP_KEEPS_ENTRY with DEATH catches: reaping a set with the dead inserter's entry in it */

#define X 0
#define Y 1
#define Z 2
#define SET(p) ((p) % 2)

#define BUSY 1
#define KILLED 2
#define STEP 4

#ifdef TORN
#define WHOLE
#else
#define WHOLE atomic
#endif

#ifdef TORN
#define TRANSLATORS 3
#else
#define TRANSLATORS 2
#endif

byte tlbi;            /* GENERATIONS: what both invalidators send */
bool block;           /* X and Y are one stage-1 block */
byte table;           /* version in the page table, of X and of what lies in one block with it */
byte vouched;         /* version that completed syncs promise */

byte anyGen, allGen, asidGen; /* VMID_ANY_GEN, VMID_ALL_GEN, the ASID's slot */
byte smmuGen;         /* SMMU_AT_ALL_GEN */
bool sizes, fractured; /* VMID_SIZES, VMID_FRACTURED */

byte seq[2];
bool valid[2];        /* TLB_META */
byte page[2], out[2], version[2], gen[2], genOfSmmu[2];
byte inserters[2];

byte epoch, inFlight[TRANSLATORS];
bool died;
byte deadThread;
byte deadSet;

inline release(s) {
  d_step { inserters[s]--; seq[s] = (seq[s] / STEP) * STEP + STEP }
}

inline check() {
  current = (anyGen == sample);
  if
  :: current -> current = (smmuGen == sampleOfSmmu)
  :: else
  fi
}

/* tlbInsert */
inline insert(p, s) {
#ifdef MUT_CHECK_EARLY
  check();
#endif
  before = seq[s];
  if
  :: before & BUSY -> goto used
  :: else
  fi;
#ifdef MUT_TAKE_NOT_ATOMIC
  seq[s] = before | BUSY;
#else
  d_step { if :: seq[s] == before -> seq[s] = before | BUSY; before = 0 :: else -> before = 255 fi };
  if
  :: before == 255 -> goto used
  :: else
  fi;
#endif
  d_step { inserters[s]++; assert(inserters[s] == 1) };
#ifndef MUT_SIZES_LATE
  sizes = true;
#endif
  if
  :: block && !fractured -> fractured = true
  :: else
  fi;
  WHOLE {
    valid[s] = false;
    page[s] = p;
    out[s] = p;
    d_step { version[s] = using; gen[s] = sample; genOfSmmu[s] = sampleOfSmmu }
  };
#ifdef MUT_NO_CHECK
  current = true;
#else
#ifndef MUT_CHECK_EARLY
  check();
#endif
#endif
#ifdef MUT_SIZES_LATE
  sizes = true;
#endif
  if
  :: current -> valid[s] = true
  :: else
  fi;
#ifdef DEATH
  if
  :: d_step { !died -> died = true; deadSet = s; deadThread = me + 1 }; goto dead
  :: true
  fi;
#endif
  d_step { before = seq[s]; if :: !(before & KILLED) -> seq[s] = before - BUSY + STEP; inserters[s]-- :: else fi };
  if
  :: before & KILLED ->
#ifndef MUT_RELEASE_BLIND
    valid[s] = false;
#endif
    release(s)
  :: else
  fi
}

proctype translator(byte me) {
  byte p, s, using, began, sample, sampleOfSmmu, before, tag;
  bool current;
  if
  :: p = X
  :: block -> p = Y
#ifdef TORN
  :: p = Z
#endif
  fi;
  s = SET(p);
  began = epoch + 1;
  inFlight[me] = began;
#ifndef MUT_SAMPLE_LATE
  sample = anyGen;
  sampleOfSmmu = smmuGen;
#endif

  /* tlbLookup */
  if
  :: !sizes -> goto miss
  :: else
  fi;
  before = seq[s];
#ifndef MUT_READ_BUSY
  if
  :: before & BUSY -> goto miss
  :: else
  fi;
#endif
  WHOLE {
    if
    :: !valid[s] -> goto miss
    :: else
    fi;
    if
    :: page[s] != p -> goto miss
    :: else
    fi;
#ifndef MUT_LATE_LOADS
    using = version[s];
    tag = out[s];
#endif
    if
    :: gen[s] < allGen || genOfSmmu[s] < smmuGen || gen[s] < asidGen -> goto miss
    :: else
    fi
  };
#ifndef MUT_NO_SEQUENCE
  if
  :: seq[s] != before -> goto miss
  :: else
  fi;
#endif
#ifdef MUT_LATE_LOADS
  using = version[s];
  tag = out[s];
#endif
  assert(tag == p);
  goto used;

miss:
  using = (p == Z -> 0 : table);
#ifdef MUT_SAMPLE_LATE
  sample = anyGen;
  sampleOfSmmu = smmuGen;
#endif
  insert(p, s);

used:
  atomic { assert(using >= vouched); inFlight[me] = 0 };
dead:
  atomic { p = 0; s = 0; using = 0; began = 0; sample = 0; sampleOfSmmu = 0; before = 0; tag = 0; current = false }
}

/* sweepAddress and sweepRange: a set, of the address X, or with `leaf` of any that shares its leaf */
inline sweep(s, leaf) {
#ifndef MUT_NO_KILLED
  d_step { if :: (seq[s] & (BUSY | KILLED)) == BUSY -> seq[s] = seq[s] | KILLED :: else fi };
#endif
  if
  :: valid[s] ->
    if
    :: page[s] == X || leaf -> valid[s] = false
    :: else
    fi
  :: else
  fi
}

inline touch() {
  d_step { anyGen++; raised = anyGen }
}

inline raise(word) {
#ifdef MUT_RAISE_BACK
  word = raised
#else
  d_step { if :: word < raised -> word = raised :: else fi }
#endif
}

inline invalidateVa() {
#ifdef MUT_FRACTURED_EARLY
  many = fractured;
#endif
#ifndef MUT_TOUCH_LATE
  touch();
#endif
#ifdef MUT_FRACTURED_IGNORED
  many = false;
#else
#ifndef MUT_FRACTURED_EARLY
  many = fractured;
#endif
#endif
  if
  :: !sizes
  :: sizes && many -> sweep(SET(X), true); sweep(SET(Y), true)
  :: sizes && !many -> sweep(SET(X), false)
  fi;
#ifdef MUT_TOUCH_LATE
  touch();
#endif
}

proctype invalidator() {
  byte removes, raised, mark;
  bool many;
  d_step { table++; removes = table };
#ifdef GENERATIONS
  if
  :: tlbi == 0 -> smmuGen++
  :: tlbi == 1 -> touch(); raise(allGen)
  :: tlbi == 2 -> touch(); raise(asidGen)
  fi;
#else
  invalidateVa();
#endif
  d_step { epoch++; mark = epoch };
  !(inFlight[0] != 0 && inFlight[0] <= mark);
  !(inFlight[1] != 0 && inFlight[1] <= mark);
  d_step { if :: vouched < removes -> vouched = removes :: else fi; removes = 0; raised = 0; mark = 0; many = false }
}

/* reapThread. What the dead thread was about is over; its entry may be stale with nobody left to kill it. */
proctype reaper() {
end:
  deadThread != 0 ->
#ifndef MUT_REAP_KEEPS_ENTRY
  valid[deadSet] = false;
#endif
  release(deadSet);
  inFlight[deadThread - 1] = 0
}

init {
  atomic {
#ifdef GENERATIONS
    if
    :: tlbi = 0
    :: tlbi = 1
    :: tlbi = 2
    fi;
#else
    if
    :: block = true
    :: block = false
    fi;
#endif
#ifdef TORN
    run translator(2);
#endif
    run translator(0);
    run translator(1);
#ifndef TORN
    run invalidator();
#endif
#ifdef GENERATIONS
    run invalidator();
#endif
    run reaper()
  };
  timeout -> assert(inserters[0] == 0 && inserters[1] == 0 && seq[0] % STEP == 0 && seq[1] % STEP == 0)
}
