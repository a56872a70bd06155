/*
 * A small pool of threads. Pieces of a job are claimed with one atomic counter; the caller works too. A helper that
 * wakes up late finds the gate shut and is not waited for, so a job never takes longer than on one thread by more than
 * the wake-up call.
 */
#include "kernel.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#define MAX_THREADS 1024
/* How long a helper looks out for the next job before it sleeps: a little more than what passes between two kernels. */
#define SPIN_NANOSECONDS 60000
/* The gate: this bit says that helpers may enter, the bits below count those inside. */
#define OPEN 0x40000000

static struct {
  pool_task task;
  void *context;
  int64_t n, grain, pieces;
} job;

static atomic_llong next_piece;
static atomic_int gate;
static atomic_uint generation;
static atomic_int sleepers;
static atomic_int wanted = 1; /* threads in use, the caller included */
static int started; /* helpers that exist */
static pthread_mutex_t submission = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t bed = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t alarm_clock = PTHREAD_COND_INITIALIZER;
static _Thread_local int32_t inside;

int32_t pool_threads(void) { return atomic_load_explicit(&wanted, memory_order_relaxed); }
int32_t pool_inside(void) { return inside; }

static void work(void) {
  inside = 1;
  for (;;) {
    const int64_t piece = atomic_fetch_add_explicit(&next_piece, 1, memory_order_relaxed);
    if (piece >= job.pieces) break;
    const int64_t begin = piece * job.grain;
    job.task(job.context, begin, min_i64(begin + job.grain, job.n));
  }
  inside = 0;
}

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Returns the generation after `seen`, once there is one. */
static unsigned await_job(unsigned seen) {
  const int64_t until = now() + SPIN_NANOSECONDS;
  do {
    for (int i = 0; i < 8; i++) {
      const unsigned current = atomic_load_explicit(&generation, memory_order_acquire);
      if (current != seen) return current;
      sched_yield();
    }
  } while (now() < until);
  pthread_mutex_lock(&bed);
  atomic_fetch_add(&sleepers, 1);
  unsigned current;
  while ((current = atomic_load(&generation)) == seen) pthread_cond_wait(&alarm_clock, &bed);
  atomic_fetch_sub(&sleepers, 1);
  pthread_mutex_unlock(&bed);
  return current;
}

static void *helper(void *argument) {
  const int index = (int)(intptr_t)argument; /* the caller is 0 */
  unsigned seen = 0;
  for (;;) {
    seen = await_job(seen);
    if (index >= pool_threads()) continue;
    int state = atomic_load_explicit(&gate, memory_order_relaxed);
    while (state & OPEN) {
      if (!atomic_compare_exchange_weak(&gate, &state, state + 1)) continue;
      work();
      atomic_fetch_sub_explicit(&gate, 1, memory_order_release);
      break;
    }
  }
  return NULL;
}

void pool_run(int64_t n, int64_t grain, pool_task task, void *context) {
  if (n <= 0) return;
  const int64_t pieces = (n + grain - 1) / grain;
  /* One job at a time: a second caller, or a task that starts another job, works alone. */
  if (pieces == 1 || pool_threads() == 1 || inside || pthread_mutex_trylock(&submission) != 0) {
    for (int64_t begin = 0; begin < n; begin += grain) task(context, begin, min_i64(begin + grain, n));
    return;
  }
  job.task = task;
  job.context = context;
  job.n = n;
  job.grain = grain;
  job.pieces = pieces;
  atomic_store_explicit(&next_piece, 0, memory_order_relaxed);
  atomic_store_explicit(&gate, OPEN, memory_order_release);
  atomic_fetch_add(&generation, 1);
  if (atomic_load(&sleepers) > 0) {
    pthread_mutex_lock(&bed);
    pthread_cond_broadcast(&alarm_clock);
    pthread_mutex_unlock(&bed);
  }
  work();
  atomic_fetch_and_explicit(&gate, ~OPEN, memory_order_acq_rel);
  for (int turn = 0; atomic_load_explicit(&gate, memory_order_acquire) != 0; turn++) {
    if (turn > 256) sched_yield();
  }
  pthread_mutex_unlock(&submission);
}

/* Uses `count` threads from now on, the caller included. */
THINNED_EXPORT int32_t thinned_set_threads(int32_t count) {
  if (count < 1 || count > MAX_THREADS) return BAD_ARGUMENT;
  pthread_mutex_lock(&submission);
  atomic_store(&wanted, count);
  int32_t status = OK;
  while (started < count - 1) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, helper, (void *)(intptr_t)(started + 1)) != 0) {
      atomic_store(&wanted, started + 1);
      status = OUT_OF_MEMORY;
      break;
    }
    pthread_detach(thread);
    started++;
  }
  pthread_mutex_unlock(&submission);
  return status;
}

THINNED_EXPORT int32_t thinned_threads(void) { return pool_threads(); }
