/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "pattern_runtime.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* How long a waiting thread looks before it sleeps: waking up takes longer than a small layer.
   After every so many looks it lets others have the processor: there may be more threads than
   processors. */
enum { LOOKING_NANOSECONDS = 200000, LOOKS = 64 };

/* Code for one machine runs with several C libraries, whose objects are of different sizes: there
   is room for the largest. */
enum { ROOM = 64 };

/* Of a thread's share: each is half of what is left of it, the last one all. Who is done takes
   those of others that nobody has taken: processors differ, and are slower while others use them.
 */
enum { PIECES = 4 };

typedef union mutex {
  pthread_mutex_t own;
  char room[ROOM];
} mutex;

typedef union condition {
  pthread_cond_t own;
  char room[ROOM];
} condition;

_Static_assert(sizeof(mutex) == ROOM && sizeof(condition) == ROOM, "ROOM is too small");

typedef struct worker {
  pattern_instance *instance;
  int32_t index;
  pthread_t thread;
  atomic_int_fast64_t taken; /* pieces of its share */
  char apart[ROOM];
} worker;

struct pattern_instance {
  int32_t threads;
  pid_t process;
  atomic_flag running;
  bool stopping;
  const pattern_layer *layer;
  void *const *buffers;
  atomic_int_fast64_t round; /* rises by one for each layer handed out */
  atomic_int_fast64_t busy;  /* workers that still compute this round's layer */
  atomic_int_fast64_t next;  /* the first unit that no thread has taken yet */
  mutex mutex;
  condition handed_out;
  condition finished;
  worker workers[];
};

static void compute_chunks(pattern_instance *instance) {
  const pattern_layer *layer = instance->layer;
  /* Every thread adds a chunk too many: a larger one than the layer could make `next` overflow. */
  int64_t chunk = layer->chunk < layer->extent ? layer->chunk : layer->extent;
  for (;;) {
    int64_t lo = atomic_fetch_add_explicit(&instance->next, chunk, memory_order_relaxed);
    if (lo >= layer->extent)
      return;
    int64_t left = layer->extent - lo;
    layer->function(instance->buffers, lo, lo + (left < chunk ? left : chunk));
  }
}

/* The first unit of a thread's share. Parts are equal in work; within a part, work is taken as
   even. */
static int64_t boundary(const pattern_layer *layer, int32_t threads, int32_t thread) {
  int64_t place = thread * layer->parts;
  int64_t part = place / threads, rest = place % threads;
  int64_t lo = layer->boundaries[part];
  if (rest == 0)
    return lo;
  return lo + ((layer->boundaries[part + 1] - lo) * rest + threads / 2) / threads;
}

static int64_t first_unit(const pattern_instance *instance, int32_t thread) {
  const pattern_layer *layer = instance->layer;
  if (layer->boundaries)
    return boundary(layer, instance->threads, thread);
  int64_t quotient = layer->extent / instance->threads;
  int64_t remainder = layer->extent % instance->threads;
  return thread * quotient + (thread < remainder ? thread : remainder);
}

static void compute_pieces(pattern_instance *instance, int32_t owner) {
  int64_t lo = first_unit(instance, owner), size = first_unit(instance, owner + 1) - lo;
  for (;;) {
    int64_t piece =
        atomic_fetch_add_explicit(&instance->workers[owner].taken, 1, memory_order_relaxed);
    if (piece >= PIECES)
      return;
    int64_t from = size - (size >> piece);
    int64_t to = piece == PIECES - 1 ? size : size - (size >> (piece + 1));
    if (from < to)
      instance->layer->function(instance->buffers, lo + from, lo + to);
  }
}

static void compute_part(pattern_instance *instance, int32_t part) {
  if (instance->layer->chunk > 0) {
    compute_chunks(instance);
    return;
  }
  for (int32_t i = 0; i < instance->threads; ++i)
    compute_pieces(instance, (part + i) % instance->threads);
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void pause_briefly(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) && defined(__clang__)
  __builtin_arm_yield(); /* in LLVM IR, an instruction that needs no assembler */
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/* Looks at `number` until it is `value`, or is no more, as `equal` says; false if that takes long.
 */
static bool becomes(const atomic_int_fast64_t *number, int64_t value, bool equal) {
  int64_t end = now() + LOOKING_NANOSECONDS;
  do {
    for (int i = 0; i < LOOKS; ++i) {
      if ((atomic_load_explicit(number, memory_order_acquire) == value) == equal)
        return true;
      pause_briefly();
    }
    sched_yield();
  } while (now() < end);
  return false;
}

static void wait_for_round(pattern_instance *instance, int64_t seen) {
  if (becomes(&instance->round, seen, false))
    return;
  pthread_mutex_lock(&instance->mutex.own);
  while (atomic_load_explicit(&instance->round, memory_order_acquire) == seen)
    pthread_cond_wait(&instance->handed_out.own, &instance->mutex.own);
  pthread_mutex_unlock(&instance->mutex.own);
}

static void *work(void *argument) {
  const worker *self = argument;
  pattern_instance *instance = self->instance;
  for (int64_t seen = 0;; ++seen) {
    wait_for_round(instance, seen);
    if (instance->stopping)
      return NULL;
    compute_part(instance, self->index);
    if (atomic_fetch_sub_explicit(&instance->busy, 1, memory_order_acq_rel) == 1) {
      pthread_mutex_lock(&instance->mutex.own);
      pthread_cond_signal(&instance->finished.own);
      pthread_mutex_unlock(&instance->mutex.own);
    }
  }
}

static void hand_out(pattern_instance *instance) {
  pthread_mutex_lock(&instance->mutex.own);
  atomic_fetch_add_explicit(&instance->round, 1, memory_order_release);
  pthread_cond_broadcast(&instance->handed_out.own);
  pthread_mutex_unlock(&instance->mutex.own);
}

static void wait_for_workers(pattern_instance *instance) {
  if (becomes(&instance->busy, 0, true))
    return;
  pthread_mutex_lock(&instance->mutex.own);
  while (atomic_load_explicit(&instance->busy, memory_order_acquire) != 0)
    pthread_cond_wait(&instance->finished.own, &instance->mutex.own);
  pthread_mutex_unlock(&instance->mutex.own);
}

static void run_layer(pattern_instance *instance, const pattern_layer *layer) {
  instance->layer = layer;
  atomic_store_explicit(&instance->next, 0, memory_order_relaxed);
  if (layer->extent <= 1 || (instance->threads == 1 && layer->chunk == 0)) {
    if (layer->extent > 0)
      layer->function(instance->buffers, 0, layer->extent);
    return;
  }
  for (int32_t i = 0; i < instance->threads; ++i)
    atomic_store_explicit(&instance->workers[i].taken, 0, memory_order_relaxed);
  atomic_store_explicit(&instance->busy, instance->threads - 1, memory_order_relaxed);
  hand_out(instance);
  compute_part(instance, 0);
  wait_for_workers(instance);
}

static void stop(pattern_instance *instance, int32_t started) {
  instance->stopping = true;
  hand_out(instance);
  for (int32_t i = 1; i < started; ++i)
    pthread_join(instance->workers[i].thread, NULL);
  pthread_cond_destroy(&instance->finished.own);
  pthread_cond_destroy(&instance->handed_out.own);
  pthread_mutex_destroy(&instance->mutex.own);
  free(instance);
}

int32_t pattern_abi_version(void) { return PATTERN_ABI_VERSION; }

const char *pattern_status_message(pattern_status status) {
  switch (status) {
  case PATTERN_OK:
    return "no error";
  case PATTERN_BAD_ARGUMENT:
    return "an argument is null or out of range";
  case PATTERN_OUT_OF_MEMORY:
    return "out of memory";
  case PATTERN_NO_THREAD:
    return "the system refused to start a thread; ask for fewer threads";
  case PATTERN_BUSY:
    return "another thread runs this instance; give each thread an instance of its own";
  case PATTERN_AFTER_FORK:
    return "the instance belongs to the parent process; create one after fork";
  case PATTERN_NO_FEATURE:
    return "the processor lacks a feature that the code was compiled for";
  case PATTERN_BAD_WEIGHTS:
    return "the weights are missing, damaged, or of another model";
  case PATTERN_BAD_ABI:
    return "library, header and runtime are of different versions; build them together";
  }
  return "unknown status";
}

pattern_status pattern_instance_create(int32_t threads, pattern_instance **result) {
  if (!result || threads < 1 || threads > PATTERN_MAX_THREADS)
    return PATTERN_BAD_ARGUMENT;
  *result = NULL;
  pattern_instance *instance =
      calloc(1, sizeof *instance + (size_t)threads * sizeof instance->workers[0]);
  if (!instance)
    return PATTERN_OUT_OF_MEMORY;
  instance->threads = threads;
  instance->process = getpid();
  atomic_flag_clear(&instance->running);
  pthread_mutex_init(&instance->mutex.own, NULL);
  pthread_cond_init(&instance->handed_out.own, NULL);
  pthread_cond_init(&instance->finished.own, NULL);
  for (int32_t i = 1; i < threads; ++i) {
    worker *self = &instance->workers[i];
    self->instance = instance;
    self->index = i;
    if (pthread_create(&self->thread, NULL, work, self) != 0) {
      stop(instance, i);
      return PATTERN_NO_THREAD;
    }
  }
  *result = instance;
  return PATTERN_OK;
}

pattern_status pattern_instance_run(pattern_instance *instance, const pattern_layer layers[],
                                    size_t count, void *const buffers[], int64_t nanoseconds[]) {
  if (!instance || (count && !layers))
    return PATTERN_BAD_ARGUMENT;
  if (instance->process != getpid())
    return PATTERN_AFTER_FORK;
  if (atomic_flag_test_and_set(&instance->running))
    return PATTERN_BUSY;
  instance->buffers = buffers;
  for (size_t i = 0; i < count; ++i) {
    int64_t start = nanoseconds ? now() : 0;
    run_layer(instance, &layers[i]);
    if (nanoseconds)
      nanoseconds[i] += now() - start;
  }
  atomic_flag_clear(&instance->running);
  return PATTERN_OK;
}

pattern_status pattern_instance_destroy(pattern_instance *instance) {
  if (!instance)
    return PATTERN_OK;
  if (instance->process != getpid()) {
    free(instance); /* its threads exist in the parent only */
    return PATTERN_OK;
  }
  if (atomic_flag_test_and_set(&instance->running))
    return PATTERN_BUSY;
  stop(instance, instance->threads);
  return PATTERN_OK;
}
