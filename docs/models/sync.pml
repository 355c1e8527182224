/* SPDX-License-Identifier: MIT */
/*
 * CMD_SYNC against accesses in flight.
 *
 * Models   assembly/smmu-core/in-flight.ts: accessBegin, accessEnd, noneInFlight, beginSync, syncPassed
 *          assembly/vcmdq-drain/run-commands.ts: run; sync.ts: sync; queue-words.ts: unpark, disable
 *          assembly/vcmdq-drain/serve.ts: leaveStop, applyEnables, serveOwned; vcmdq-page0.ts: page0Of
 *          assembly/vcmdq-drain/index.ts: serveParked; vmm/nested/stream-dma-port.ts: the leaver; vmm/nested/vm-host.ts: service
 * Threads  the queue of machine 0 with a vCPU that rings it twice, each time for an invalidation and a CMD_SYNC; a device of machine 0 and
 *          one of machine 1, each on a thread of its own, that make accesses; the host, which has a unit for each machine. A unit reaches
 *          the queue of its own machine only.
 *          Device 0 may ring the queue in the middle of its access (a DMA write that hits a doorbell): the thread that drains is then
 *          the one that holds the sync up. SWITCHED: the vCPU switches its queue off and on between the rings. TWO: each
 *          machine has such a queue, which is rung once, and there is no device 1.
 * Abstract the translation is a version, which an invalidation raises in one step (iotlb.pml has the inside of that); the attention word is
 *          a flag, which the host clears where the code remembers the count. A thread that has rung MOST_RINGS times in vain waits; in the
 *          code it would go on. No thread dies here (ownership.pml).
 *
 * Holds    - no access ends that used a translation whose removal a completed CMD_SYNC vouches for;
 *          - when everything has come to rest, both queues have been consumed: no parked queue is forgotten, and no sync waits for itself;
 *          - PARKED counts the parked queues and is 0 at rest;
 *          - a ring is read only by the unit that reaches it.
 */

/* VARIANT: SWITCHED */
/* VARIANT: TWO */
/* MUTATION: MUT_REGISTER_LATE catches: an access that registers after its look-up */
/* MUTATION: MUT_EPOCH_NOT_RAISED catches: a sync that takes the epoch without raising it */
/* MUTATION: MUT_SYNC_BLIND catches: a sync that does not look at accesses in flight */
/* MUTATION: MUT_SYNC_WAITS catches: a sync that blocks its thread instead of parking */
/* MUTATION: MUT_NO_SECOND_LOOK catches: parking without looking again */
/* MUTATION: MUT_COUNT_LATE catches: raising PARKED after the second look */
/* MUTATION: MUT_LEAVER_LOOKS_FIRST catches: a leaver that reads PARKED before it has left */
/* MUTATION: MUT_NO_LEAVER catches: a leaver that does not run parked queues */
/* MUTATION: MUT_UNPARK_TWICE catches: two decrements of PARKED for one queue */
/* MUTATION: MUT_STOP_KEEPS_COUNT with SWITCHED catches: a queue switched off while parked that stays counted */
/* MUTATION: MUT_OUT_OF_REACH catches: serveParked running a queue of another machine */
/* MUTATION: MUT_SILENT_OUT_OF_REACH catches: a unit that cannot read a queue letting it go over somebody else's ring */
/* MUTATION: MUT_NO_HOST catches: serveParked not calling the host for a queue out of its reach */

#define ROUNDS 2
#define ACCESSES 1
#define MOST_RINGS 3
#define IS_SYNC(c) ((c) % 2 == 1)

#define RUNNING 0
#define PARKED 1

byte translation[2]; /* version that a look-up finds */
byte vouched[2];     /* version that completed syncs promise */

byte prod[2], cons[2], state[2], parkEpoch[2], owners[2];
bool en[2] = true;
short parked;        /* SMMU_AT_PARKED */
bool attention;
byte epoch;          /* HOST_AT_SYNC_EPOCH */
byte inFlight[2];    /* THREAD_IN_FLIGHT of the devices' threads */

inline forget() {
  d_step { mine = false; found = 0; seen = 0; limit = 0; at = 0; round = 0; mark = 0; passed = false }
}

#define HELD_UP(i, e) (inFlight[i] != 0 && inFlight[i] <= (e))

inline syncPassed(e) {
#ifdef MUT_SYNC_BLIND
  passed = true
#else
  passed = !HELD_UP(0, e);
  if
  :: passed -> passed = !HELD_UP(1, e)
  :: else
  fi
#endif
}

inline vouch(q) {
  d_step { vouched[q] = translation[q] }
}

inline unpark(q) {
  state[q] = RUNNING;
#ifdef MUT_UNPARK_TWICE
  parked--;
#endif
  parked--
}

inline noneInFlight() {
  passed = (inFlight[0] == 0);
  if
  :: passed -> passed = (inFlight[1] == 0)
  :: else
  fi
}

/* Leaves `passed`. */
inline sync(q) {
  noneInFlight();
  if
  :: passed -> vouch(q)
  :: else -> raiseAndLook(q)
  fi
}

inline raiseAndLook(q) {
#ifdef MUT_EPOCH_NOT_RAISED
  mark = epoch;
#else
  d_step { epoch++; mark = epoch };
#endif
#ifdef MUT_SYNC_WAITS
  !HELD_UP(0, mark);
  !HELD_UP(1, mark);
  passed = true;
#else
  syncPassed(mark);
  if
  :: passed
  :: else ->
    d_step { cons[q] = at; parkEpoch[q] = mark };
    state[q] = PARKED;
#ifndef MUT_COUNT_LATE
    parked++;
#endif
#ifdef MUT_NO_SECOND_LOOK
    passed = false;
#else
    syncPassed(mark);
#endif
#ifdef MUT_COUNT_LATE
    parked++;
#endif
    if
    :: passed -> unpark(q)
    :: else
    fi
  fi;
#endif
  if
  :: passed -> vouch(q)
  :: else
  fi
}

/* roundOfVcmdq, with applyEnables, leaveStop and run */
inline roundOf(q, unit) {
  limit = prod[q];
  if
  :: !en[q] ->
    if
#ifdef MUT_STOP_KEEPS_COUNT
    :: state[q] == PARKED -> state[q] = RUNNING
#else
    :: state[q] == PARKED -> unpark(q)
#endif
    :: else
    fi
  :: else ->
    assert(unit == q);
    if
    :: state[q] == PARKED ->
      syncPassed(parkEpoch[q]);
      if
      :: passed -> unpark(q); d_step { vouched[q] = translation[q]; cons[q] = cons[q] + 1; passed = false }
      :: else
      fi
    :: else
    fi;
    if
    :: state[q] == RUNNING ->
      at = cons[q]; /* CONS is the owner's alone: its places in the order do not matter */
      do
      :: at == limit -> break
      :: at != limit && !IS_SYNC(at) -> d_step { translation[q]++; at++ }
      :: at != limit && IS_SYNC(at) ->
        sync(q);
        if
        :: passed -> d_step { at++; mark = 0; passed = false }
        :: else -> break
        fi
      od;
      cons[q] = at
    :: else
    fi
  fi
}

inline serveQueue(q, unit) {
  d_step { owners[q] < MOST_RINGS -> found = owners[q]; owners[q]++; mine = (found == 0) };
  do
  :: !mine -> break
#ifndef MUT_OUT_OF_REACH
  :: mine && unit != q -> /* page0Of: -1. Only its own ring may pass unserved. */
#ifdef MUT_SILENT_OUT_OF_REACH
    seen = owners[q];
    d_step { found = owners[q]; if :: found == seen -> owners[q] = 0 :: else fi };
#else
    seen = 1;
    d_step { found = owners[q]; if :: found == seen -> owners[q] = 0 :: else fi };
#endif
    if
    :: found == seen
    :: else -> owners[q] = 0; attention = true
    fi;
    break
#define REACHED (unit == q)
#else
#define REACHED true
#endif
  :: mine && REACHED && round == ROUNDS -> owners[q] = 0; attention = true; break
  :: mine && REACHED && round < ROUNDS ->
    d_step { round++; seen = owners[q] };
    roundOf(q, unit);
    d_step { found = owners[q]; if :: found == seen -> owners[q] = 0; mine = false :: else fi }
  od;
  forget()
}

inline serveParkedOne(q, unit) {
  if
  :: state[q] == PARKED ->
    serveQueue(q, unit);
    if
#ifndef MUT_NO_HOST
    :: state[q] == PARKED -> attention = true
#endif
    :: else
    fi
  :: else
  fi
}

inline serveEveryParked(unit) {
  serveParkedOne(0, unit);
#ifdef TWO
  serveParkedOne(1, unit)
#endif
}

inline serveParked(unit) {
  if
  :: parked != 0 -> serveEveryParked(unit)
  :: else
  fi
}

proctype device(byte m) {
  byte n, used, began;
  byte found, seen, limit, at, round, mark;
  bool mine, passed, leave;
  do
  :: n == ACCESSES -> break
  :: n < ACCESSES ->
    n++;
#ifdef MUT_REGISTER_LATE
    used = translation[m];
#endif
    began = epoch + 1;
    d_step { inFlight[m] = began; began = 0 };
#ifndef MUT_REGISTER_LATE
    used = translation[m];
#endif
    if
    :: m == 0 -> serveQueue(0, 0)
    :: true
    fi;
#ifdef MUT_LEAVER_LOOKS_FIRST
    leave = (parked != 0);
#endif
    d_step { assert(used >= vouched[m]); inFlight[m] = 0; used = 0 };
#ifdef MUT_LEAVER_LOOKS_FIRST
    if
    :: leave -> serveEveryParked(m)
    :: else
    fi
#else
#ifndef MUT_NO_LEAVER
    serveParked(m)
#endif
#endif
  od
}

proctype vcpu(byte m) {
  byte found, seen, limit, at, round, mark;
  bool mine, passed;
  prod[m] = 2;
  serveQueue(m, m);
#ifdef SWITCHED
  en[m] = false;
  serveQueue(m, m);
  en[m] = true;
  serveQueue(m, m);
#endif
#ifndef TWO
  prod[m] = 4;
  serveQueue(m, m)
#endif
}

proctype host() {
  byte found, seen, limit, at, round, mark;
  bool mine, passed;
end:
  do
  :: attention ->
    attention = false;
    /* the background poll: rings every queue, parked ones as well */
    serveQueue(0, 0);
#ifdef TWO
    serveQueue(1, 1)
#endif
  od
}

init {
  atomic {
    run device(0);
    run vcpu(0);
#ifdef TWO
    run vcpu(1);
#else
    run device(1);
#endif
    run host()
  };
  timeout -> assert(cons[0] == prod[0] && cons[1] == prod[1] && parked == 0 && owners[0] == 0 && owners[1] == 0)
}
