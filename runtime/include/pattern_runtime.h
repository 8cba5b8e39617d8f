/* Runs the layers of a compiled network, each split over the threads of an instance.
 *
 * An instance owns its threads; instances share nothing. One thread at a time may run an instance.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#ifndef PATTERN_RUNTIME_H
#define PATTERN_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PATTERN_ABI_VERSION 3
#define PATTERN_MAX_THREADS 256

#if defined(PATTERN_API) /* a generated library, which shows functions of its own only */
#elif defined(__GNUC__)
#define PATTERN_API __attribute__((visibility("default")))
#else
#define PATTERN_API
#endif

/* Computes units lo to hi - 1 of a layer. buffers: arena, weights, inputs, outputs. */
typedef void (*pattern_layer_function)(void *const buffers[], int64_t lo, int64_t hi);

typedef struct pattern_layer {
  pattern_layer_function function;
  int64_t extent;            /* how many units there are, independent of each other */
  const int64_t *boundaries; /* part p is units b[p] to b[p + 1] - 1; NULL: equal parts */
  int64_t parts;             /* of equal work, split anew for another number of threads */
  int64_t chunk;             /* > 0: threads take so many units at a time, whoever is free; 0: each
                                has its part, and takes pieces of others' when it is done */
} pattern_layer;

typedef enum pattern_status {
  PATTERN_OK = 0,
  PATTERN_BAD_ARGUMENT = 1,
  PATTERN_OUT_OF_MEMORY = 2,
  PATTERN_NO_THREAD = 3,   /* the system refused to start a thread */
  PATTERN_BUSY = 4,        /* another thread runs this instance now */
  PATTERN_AFTER_FORK = 5,  /* the instance belongs to the parent process */
  PATTERN_NO_FEATURE = 6,  /* the processor lacks what the code was compiled for */
  PATTERN_BAD_WEIGHTS = 7, /* the weights are missing, damaged, or of another model */
  PATTERN_BAD_ABI = 8,     /* description, header or runtime are of another version */
} pattern_status;

typedef struct pattern_instance pattern_instance;

/* Returns PATTERN_ABI_VERSION of the library. */
PATTERN_API int32_t pattern_abi_version(void);

/* Returns one line about a status, in static storage. */
PATTERN_API const char *pattern_status_message(pattern_status status);

/* Starts threads - 1 threads; the caller of pattern_instance_run is the other one. */
PATTERN_API pattern_status pattern_instance_create(int32_t threads, pattern_instance **instance);

/* Runs the layers one after the other; allocates nothing. nanoseconds: NULL, or for each layer a
 * number to which the time that it takes is added. */
PATTERN_API pattern_status pattern_instance_run(pattern_instance *instance,
                                                const pattern_layer layers[], size_t count,
                                                void *const buffers[], int64_t nanoseconds[]);

/* Ends the threads and frees the instance. NULL is allowed; PATTERN_BUSY leaves it as it is. */
PATTERN_API pattern_status pattern_instance_destroy(pattern_instance *instance);

#ifdef __cplusplus
}
#endif

#endif
