/* The runtime's own test, built with sanitizers: every unit is computed once, layers keep their
 * order, instances are independent. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "pattern_runtime.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { UNITS = 1000, ROUNDS = 200 };

static void expect(int condition, const char *rule) {
  if (!condition) {
    fprintf(stderr, "broken: %s\n", rule);
    exit(1);
  }
}

static void add_one(void *const buffers[], int64_t lo, int64_t hi) {
  int64_t *values = buffers[0];
  for (int64_t i = lo; i < hi; ++i)
    values[i] += 1;
}

/* Reads what other threads wrote in the layer before: a race unless layers wait for each other. */
static void reverse(void *const buffers[], int64_t lo, int64_t hi) {
  const int64_t *from = buffers[0];
  int64_t *to = buffers[1];
  for (int64_t i = lo; i < hi; ++i)
    to[i] = from[UNITS - 1 - i];
}

static void check_threads(int32_t threads, int64_t chunk) {
  pattern_instance *instance = NULL;
  expect(pattern_instance_create(threads, &instance) == PATTERN_OK, "an instance is created");
  int64_t *values = calloc(UNITS, sizeof *values), *copies = calloc(UNITS, sizeof *copies);
  void *buffers[] = {values, copies};
  pattern_layer layers[] = {{add_one, UNITS, NULL, 0, chunk},
                            {reverse, UNITS, NULL, 0, chunk},
                            {add_one, 0, NULL, 0, chunk}};
  int64_t nanoseconds[3] = {0, 0, 0};
  for (int round = 1; round <= ROUNDS; ++round) {
    expect(pattern_instance_run(instance, layers, 3, buffers, round % 2 ? nanoseconds : NULL) ==
               PATTERN_OK,
           "a run succeeds");
    for (int i = 0; i < UNITS; ++i)
      expect(copies[i] == round, "every unit is computed once, before the next layer reads it");
  }
  expect(nanoseconds[0] > 0 && nanoseconds[1] > 0, "layers are timed");
  free(values);
  free(copies);
  expect(pattern_instance_destroy(instance) == PATTERN_OK, "an idle instance is destroyed");
}

typedef struct progress {
  atomic_int_fast64_t units;
  bool helped;
} progress;

/* Who has the first piece waits until all other pieces are computed: by others, if they help. */
static void wait_for_the_rest(void *const buffers[], int64_t lo, int64_t hi) {
  progress *own = buffers[0];
  time_t end = time(NULL) + 60;
  while (lo == 0 && !own->helped && time(NULL) < end)
    own->helped = atomic_load(&own->units) == UNITS - hi;
  atomic_fetch_add(&own->units, hi - lo);
}

static void check_help(int32_t threads, const int64_t *boundaries, int64_t parts) {
  pattern_instance *instance = NULL;
  expect(pattern_instance_create(threads, &instance) == PATTERN_OK, "an instance is created");
  progress own = {0};
  void *buffers[] = {&own};
  pattern_layer layer = {wait_for_the_rest, UNITS, boundaries, parts, 0};
  expect(pattern_instance_run(instance, &layer, 1, buffers, NULL) == PATTERN_OK, "a run succeeds");
  expect(own.helped, "threads that are done help those that are not");
  expect(own.units == UNITS, "every unit is computed once");
  expect(pattern_instance_destroy(instance) == PATTERN_OK, "an idle instance is destroyed");
}

static void *check_in_thread(void *threads) {
  check_threads(*(int32_t *)threads, 0);
  return NULL;
}

int main(void) {
  for (int32_t threads = 1; threads <= 5; ++threads)
    for (int64_t chunk = 0; chunk <= 3 * UNITS; chunk = 7 * chunk + 1)
      check_threads(threads, chunk);
  check_threads(3, INT64_MAX);
  const int64_t boundaries[] = {0, 900, UNITS};
  for (int32_t threads = 2; threads <= 5; ++threads) {
    check_help(threads, NULL, 0);
    check_help(threads, boundaries, 2);
  }
  pthread_t pair[2];
  int32_t threads = 3;
  for (int i = 0; i < 2; ++i)
    pthread_create(&pair[i], NULL, check_in_thread, &threads);
  for (int i = 0; i < 2; ++i)
    pthread_join(pair[i], NULL);
  pattern_instance *instance = NULL;
  expect(pattern_instance_create(0, &instance) == PATTERN_BAD_ARGUMENT, "0 threads are refused");
  expect(pattern_instance_run(NULL, NULL, 0, NULL, NULL) == PATTERN_BAD_ARGUMENT,
         "NULL is refused");
  expect(pattern_abi_version() == PATTERN_ABI_VERSION, "header and library agree");
  puts("pattern_runtime: all rules hold");
  return 0;
}
