/* A compiled network as data, and what runs it: generated libraries are a description of this form
 * and functions of their own names that call these.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#ifndef PATTERN_MODEL_H
#define PATTERN_MODEL_H

#include "pattern_runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PATTERN_ALIGNMENT 64 /* of weights and arenas, in bytes */

/* A feature that the code needs, and where the processor or its system says that it has it.
 * x86-64: bit of register word (eax, ebx, ecx, edx) of cpuid leaf and subleaf; state: bits of XCR0
 * without which the system does not keep the registers. AArch64: bit of getauxval(leaf). */
typedef struct pattern_feature {
  const char *missing; /* what to say of a processor without it */
  uint32_t leaf;
  uint32_t subleaf;
  uint32_t word;
  uint32_t bit;
  uint32_t state;
} pattern_feature;

typedef struct pattern_model_description {
  int32_t abi_version; /* PATTERN_ABI_VERSION */
  uint32_t signature;  /* of the header with inputs, outputs and layers */
  int32_t threads;     /* that the layers are split for */
  int32_t separable;   /* whether multiples of the batch may run part by part */
  int64_t batch;       /* images that a run of the layers computes */
  int64_t layer_count;
  int64_t input_count;
  int64_t output_count;
  int64_t feature_count;
  int64_t arena_bytes;
  int64_t weight_bytes;
  const pattern_layer *layers;
  const int64_t *input_bytes;  /* of each input, of a batch */
  const int64_t *output_bytes; /* of each output, of a batch */
  const pattern_feature *features;
  const void *weights;      /* NULL: in a file */
  uint32_t weight_checksum; /* CRC-32, of weights in a file */
} pattern_model_description;

/* How to run a model; all zeros but for the signature are the usual way. */
typedef struct pattern_model_options {
  uint32_t signature;       /* of the header that the caller was compiled with */
  int32_t threads;          /* 0: as many as the layers are split for */
  int64_t chunk;            /* units of a layer that a thread takes at a time; 0: as in
                               pattern_layer */
  void *arena;              /* memory for intermediate results; NULL: the model's own */
  size_t arena_bytes;       /* size of that memory */
  const void *weights;      /* the mapped file of weights; NULL: inside, or from weights_file */
  size_t weight_bytes;      /* size of the mapped file */
  const char *weights_file; /* a file of weights to map */
} pattern_model_options;

typedef struct pattern_model pattern_model;

/* Checks processor, versions and weights, starts threads. model is NULL after a failure, which
 * pattern_model_last_error(NULL) explains. */
PATTERN_API pattern_status pattern_model_create(const pattern_model_description *description,
                                                const pattern_model_options *options,
                                                pattern_model **model);

/* Runs the network on so many images; allocates nothing. Buffers are contiguous, aligned to their
 * elements. nanoseconds: NULL, or room for the time that each layer takes. One thread at a time. */
PATTERN_API pattern_status pattern_model_run(pattern_model *model, const void *const inputs[],
                                             void *const outputs[], int64_t images,
                                             int64_t nanoseconds[]);

/* Why the last call for the model failed, in one line of static text; of the last call of
 * pattern_model_create that failed in this process where model is NULL. */
PATTERN_API const char *pattern_model_last_error(const pattern_model *model);

/* Ends the threads and frees the model. NULL is allowed; PATTERN_BUSY leaves it as it is. */
PATTERN_API pattern_status pattern_model_destroy(pattern_model *model);

#ifdef __cplusplus
}
#endif

#endif
