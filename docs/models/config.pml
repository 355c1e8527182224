/* SPDX-License-Identifier: MIT */
/*
 * A change of configuration against a translator that samples.
 *
 * Models   assembly/smmu-core/config-cache.ts: configLookup, configInsert, configGeneration, sweep
 *          assembly/smmu-core/configure.ts: configure, readConfig
 *          assembly/smmu-core/translate.ts: the loop that reads the configuration and samples the generation (CONFIG_TRIES)
 *          assembly/vcmdq-drain/run-commands.ts: one raise of the generation for several commands
 * Threads  translators that make one access each, with stream 0 or, in TORN, stream 1 of the same set; software that rewrites the context
 *          descriptor of stream 0 in place (other tables, same ASID and VMID), then sends CFGI_CD, TLBI_NH_ASID and CMD_SYNC in one batch.
 *          As it stands: two translators. BATCH: the batch begins with another TLBI_NH_ASID of the VMID. TORN: three translators and no
 *          software, with an entry of the cache read and written field by field.
 * Abstract a configuration is a version number, stream 1's is OTHER. A set of the configuration cache has one way; who finds it taken does
 *          not cache. The IOTLB is one entry that is looked up and inserted in one step (iotlb.pml has the inside); a CMD_SYNC blocks
 *          until no earlier access is left (sync.pml).
 *
 * Holds    - no access ends that used a configuration, or a translation made with it, whose removal a completed CMD_SYNC vouches for;
 *          - the configuration that a look-up returns is the one of its stream.
 */

/* VARIANT: BATCH */
/* VARIANT: TORN */
/* MUTATION: MUT_ONE_RAISE catches: a CFGI that raises the set's generation only before it clears the entries */
/* MUTATION: MUT_RAISE_LATE catches: a CFGI that raises the set's generation only after that */
/* MUTATION: MUT_NO_KILLED catches: a CFGI that does not mark a taken set */
/* MUTATION: MUT_INSERT_UNCHECKED catches: caching a configuration without looking at the set's generation again */
/* MUTATION: MUT_SAMPLE_UNCHECKED catches: caching a translation without looking at the set's generation after the sample */
/* MUTATION: MUT_SAMPLE_LATE catches: looking at the set's generation before the sample is taken */
/* MUTATION: MUT_STALE_RAISE with BATCH catches: a TLBI that goes by a raise from before the CFGI */
/* MUTATION: MUT_TLBI_FIRST catches: software that sends the TLBI before the CFGI */
/* MUTATION: MUT_NO_CFGI catches: software that sends no CFGI */
/* MUTATION: MUT_NO_SEQUENCE with TORN catches: a look-up that does not look at the sequence word again */
/* MUTATION: MUT_READ_BUSY with TORN catches: a look-up in a set that an inserter has */

#define TRIES 2 /* CONFIG_TRIES */
#define OTHER 9

#define BUSY 1
#define KILLED 2
#define STEP 4

#ifdef TORN
#define TRANSLATORS 3
#define WHOLE
#else
#define TRANSLATORS 2
#define WHOLE atomic
#endif

byte descriptor; /* in memory */
byte vouched;

byte setGen, seq; /* CFG_SET_GEN, CFG_SET_SEQ */
bool valid;       /* CFG_VALID */
byte sid, config;

byte anyGen, asidGen; /* VMID_ANY_GEN, VMID_ASID_GEN */
bool tlbValid;
byte tlbGen;
byte tlbConfig;   /* configuration that the cached translation was made with */

byte epoch, inFlight[TRANSLATORS];

inline configInsert() {
  before = seq;
  if
  :: before & BUSY -> goto configured
  :: else
  fi;
  d_step { if :: seq == before -> seq = before | BUSY; before = 0 :: else -> before = 255 fi };
  if
  :: before == 255 -> goto configured
  :: else
  fi;
  WHOLE {
    valid = false;
    sid = stream;
    config = using
  };
  if
#ifdef MUT_INSERT_UNCHECKED
  :: true -> valid = true
#else
  :: setGen == genOfSet -> valid = true
#endif
  :: else
  fi;
  d_step { before = seq; if :: !(before & KILLED) -> seq = before - BUSY + STEP :: else fi };
  if
  :: before & KILLED ->
    valid = false;
    d_step { seq = (seq / STEP) * STEP + STEP }
  :: else
  fi
}

proctype translator(byte me) {
  byte stream, using, tries, genOfSet, before, sample, began;
  bool current;
  if
  :: stream = 0
#ifdef TORN
  :: stream = 1
#endif
  fi;
  began = epoch + 1;
  inFlight[me] = began;

again:
  /* configLookup */
  tries++;
  genOfSet = setGen;
  before = seq;
#ifndef MUT_READ_BUSY
  if
  :: before & BUSY -> goto read
  :: else
  fi;
#endif
  WHOLE {
    if
    :: !valid -> goto read
    :: else
    fi;
    if
    :: sid != stream -> goto read
    :: else
    fi;
    using = config
  };
#ifndef MUT_NO_SEQUENCE
  if
  :: seq != before -> goto read
  :: else
  fi;
#endif
  if
  :: !valid -> goto read
  :: else -> goto configured
  fi;
read:
  using = (stream == 0 -> descriptor : OTHER);
  configInsert();
configured:
  assert((stream == 0) == (using != OTHER));

#ifdef MUT_SAMPLE_LATE
  current = (setGen == genOfSet);
  sample = anyGen;
#else
  sample = anyGen;
  current = (setGen == genOfSet);
#endif
#ifdef MUT_SAMPLE_UNCHECKED
  current = true;
#endif
  if
  :: !current && tries < TRIES -> goto again
  :: else
  fi;

  if
  :: stream == 1 -> goto used
  :: else
  fi;
  /* tlbLookup, or the walk and tlbInsert */
  atomic {
    if
    :: tlbValid && tlbGen >= asidGen -> using = tlbConfig; goto used
    :: else
    fi
  };
  if
  :: d_step { current && anyGen == sample -> tlbValid = true; tlbConfig = using; tlbGen = sample }
  :: else
  fi;
used:
  atomic {
    assert(using >= vouched);
    inFlight[me] = 0;
    stream = 0; using = 0; tries = 0; genOfSet = 0; before = 0; sample = 0; began = 0; current = false
  }
}

/* sweep of the set of stream 0 */
inline cfgi() {
#ifndef MUT_RAISE_LATE
  setGen++;
#endif
#ifndef MUT_NO_KILLED
  d_step { if :: (seq & (BUSY | KILLED)) == BUSY -> seq = seq | KILLED :: else fi };
#endif
  if
  :: sid == 0 -> valid = false
  :: else
  fi;
#ifndef MUT_ONE_RAISE
  setGen++
#endif
}

inline touch() {
  d_step { anyGen++; raised = anyGen }
}

/* killAsid */
inline tlbi() {
  asidGen = raised
}

proctype software() {
  byte mark, raised;
  descriptor = 1;
#ifdef BATCH
  touch();
  tlbi();
#endif
#ifdef MUT_TLBI_FIRST
  touch();
  tlbi();
  cfgi();
#else
#ifndef MUT_NO_CFGI
  cfgi();
#endif
#ifndef MUT_STALE_RAISE
  touch();
#endif
  tlbi();
#endif
  d_step { epoch++; mark = epoch };
  !(inFlight[0] != 0 && inFlight[0] <= mark);
  !(inFlight[1] != 0 && inFlight[1] <= mark);
  vouched = 1
}

init {
  atomic {
    run translator(0);
    run translator(1);
#ifdef TORN
    run translator(2)
#else
    run software()
#endif
  };
  timeout -> assert(seq % STEP == 0)
}
