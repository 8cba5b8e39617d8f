/* What the runner must know of a network; network.c defines it, written from the network's plan.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#ifndef NETWORK_H
#define NETWORK_H

#include "pattern_runtime.h"

extern const pattern_layer network_layers[];
extern const size_t network_layer_count;
extern const int32_t network_threads;
extern const size_t network_arena_bytes;
extern const size_t network_weight_bytes;

typedef struct network_buffer {
  size_t bytes;
  int is_output;
} network_buffer;

extern const network_buffer network_buffers[]; /* inputs, then outputs */
extern const size_t network_buffer_count;

#endif
