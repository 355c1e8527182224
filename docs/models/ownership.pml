/* SPDX-License-Identifier: MIT */
/*
 * Queue ownership and doorbells.
 *
 * Models   assembly/vcmdq-drain/ownership.ts: ring, rings, releaseUnlessRung, releaseAndCallHost, release, acquire
 *          assembly/vcmdq-drain/serve.ts: serveOwned, roundOfVcmdq, serveQueue; run-commands.ts: run, holdError
 *          assembly/vcmdq-drain/index.ts: doorbell, stepOver, the queue part of reapThread
 *          vmm/nested/vm-host.ts: service; lent-vintf.ts: decideErrors with the policy "skip"
 * Threads  two vCPUs that fill one queue and ring it, the host, and whoever reaps a dead thread. Once in a run a vCPU may overflow its
 *          stack in the drain: it then rings again, or it is dead and is reaped.
 * Abstract a command is its number; command BAD is refused. Writing a command and raising PROD is one step: the guest's driver holds
 *          its lock there. BUDGET and ROUNDS are as small as they can be. `acquire` waits instead of counting its spins.
 *
 * Holds    - one thread at a time is inside the drain of a queue;
 *          - commands run in order, none lost, and none twice unless the thread that ran it died before it published CONS;
 *          - when everything has come to rest, everything up to PROD has been consumed and the queue is free: no doorbell is lost, also
 *            not when the rounds are used up and the host gets the queue handed over.
 */

/* MUTATION: MUT_RING_NOT_ATOMIC catches: taking a queue with a load and a store */
/* MUTATION: MUT_RING_FIRST catches: a guest that rings before it stores PROD */
/* MUTATION: MUT_SEEN_AFTER_ROUND catches: reading the ring count after the round that it vouches for */
/* MUTATION: MUT_LETGO_STORE catches: letting a queue go by a plain store */
/* MUTATION: MUT_OWNER_KEPT catches: letting a queue go with the owner's number still in it */
/* MUTATION: MUT_NO_HANDOVER catches: giving a queue up without telling the host */
/* MUTATION: MUT_ATTENTION_AFTER catches: a host that samples the attention word after its service */
/* MUTATION: MUT_RELEASE_ONLY catches: a host that changes a queue and does not serve it */
/* MUTATION: MUT_SAME_THREAD_ID catches: two threads under one number */
/* MUTATION: MUT_NO_TAKEOVER catches: a queue left behind by a stack overflow and not taken over */
/* MUTATION: MUT_NO_REAP catches: a queue left behind by a dead thread and not given back */

#define BUDGET 1
#define ROUNDS 2
#define EACH 2 /* commands of each vCPU */
#define BAD 1  /* the command that is refused */

#define RUNNING 0
#define HELD 1

#define HOST 3
#ifdef MUT_SAME_THREAD_ID
#define ID(t) ((t) == 2 -> 1 : (t))
#else
#define ID(t) (t)
#endif

byte prod;      /* page 0 */
byte cons;      /* QUEUE_CONS */
byte state;     /* QUEUE_STATE */
byte owners;    /* QUEUE_OWNERS */
byte owner;     /* QUEUE_OWNER_THREAD */
byte attention; /* HOST_AT_ATTENTION */

byte inside;    /* threads at work in the queue */
byte next;      /* the command that has to run next */
bool overflown; /* the one overflow has happened */
byte dead;      /* the thread that is to be reaped */

inline ring() {
#ifdef MUT_RING_NOT_ATOMIC
  found = owners;
  owners = found + 1;
#else
  d_step { found = owners; owners++ }
#endif
  if
#ifdef MUT_NO_TAKEOVER
  :: found != 0 -> mine = false
#else
  :: found != 0 -> mine = (owner == ID(me))
#endif
  :: found == 0 -> owner = ID(me); mine = true
  fi
}

inline release() {
  owner = 0;
  owners = 0
}

inline releaseAndCallHost() {
  release();
#ifndef MUT_NO_HANDOVER
  attention++
#endif
}

/* What a thread no longer needs must not tell states apart. */
inline forget() {
  d_step { mine = false; found = 0; seen = 0; limit = 0; at = 0; done = 0; round = 0 }
}

/* `mayDie`: this thread's stack may end here. */
inline runQueue(mayDie) {
  d_step { inside++; assert(inside == 1) }
  limit = prod;
  at = cons;
  done = 0;
  do
  :: state == RUNNING && at != limit && done < BUDGET ->
    if
    :: d_step { mayDie && !overflown -> overflown = true; inside--; next = cons }; goto overflow
    :: true
    fi;
    if
    :: at == BAD -> state = HELD; attention++; break
    :: else -> d_step { assert(at == next); next++; at++; done++ }
    fi
  :: else -> break
  od;
  cons = at;
  inside--
}

inline serveOwned(mayDie) {
  round = 0;
  do
  :: round == ROUNDS -> releaseAndCallHost(); break
  :: else ->
    round++;
#ifndef MUT_SEEN_AFTER_ROUND
    seen = owners;
#endif
    runQueue(mayDie);
#ifdef MUT_SEEN_AFTER_ROUND
    seen = owners;
#endif
    if
    :: done >= BUDGET -> skip
    :: else ->
#ifndef MUT_OWNER_KEPT
      owner = 0;
#endif
#ifdef MUT_LETGO_STORE
      owners = 0;
      break
#else
      d_step { found = owners; if :: found == seen -> owners = 0 :: else fi };
      if
      :: found == seen -> break
      :: else -> owner = ID(me)
      fi
#endif
    fi
  od;
  forget()
}

proctype vcpu(byte me) {
  byte n, found, seen, limit, at, done, round;
  bool mine;
  do
  :: n == EACH -> break
  :: n < EACH ->
    n++;
#ifndef MUT_RING_FIRST
    prod++;
#endif
again:
    ring();
    if
    :: mine -> serveOwned(true)
    :: else -> found = 0
    fi;
#ifdef MUT_RING_FIRST
    prod++
#endif
  od;
  goto finished;
overflow:
  forget();
  if
  :: goto again
  :: dead = me
  fi;
finished: skip
}

proctype host() {
  byte me = HOST;
  byte attended, found, seen, limit, at, done, round;
  bool mine;
end:
  do
  :: attention != attended ->
#ifndef MUT_ATTENTION_AFTER
    attended = attention;
#endif
    ring();
    if
    :: mine -> serveOwned(false)
    :: else -> found = 0
    fi;
    if
    :: state == HELD ->
      atomic { owners == 0 -> owners = 1 }; /* acquire */
      owner = HOST;
      if
      :: state == HELD -> d_step { cons++; next++; state = RUNNING } /* stepOver */
      :: else
      fi;
      release();
#ifndef MUT_RELEASE_ONLY
      ring();
      if
      :: mine -> serveOwned(false)
      :: else -> found = 0
      fi
#endif
    :: else
    fi;
#ifdef MUT_ATTENTION_AFTER
    attended = attention
#endif
  od;
overflow: skip /* the host's stack does not end */
}

proctype reaper() {
end:
  dead != 0 ->
#ifndef MUT_NO_REAP
  if
  :: owner == ID(dead) -> releaseAndCallHost()
  :: else
  fi;
#endif
  attention++
}

init {
  atomic { run vcpu(1); run vcpu(2); run host(); run reaper() };
  timeout -> assert(cons == prod && next == prod && owners == 0 && owner == 0 && state == RUNNING)
}
