/* Runs a network once: inputs are read from files, outputs written to files, weights mapped.
 *
 * Usage: runner WEIGHTS BUFFER…, a file for each input, then for each output.
 * Between layers it calls getpriority(0x5151, layer), which count_instructions.c sees.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "network.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MARK = 0x5151, ALIGNMENT = 64 };

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void mark(size_t number) { getpriority((__priority_which_t)MARK, (id_t)number); }

static void *memory(size_t bytes) {
  size_t rounded = (bytes + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
  void *result = aligned_alloc(ALIGNMENT, rounded);
  if (!result)
    fail("memory");
  memset(result, 0xFF, rounded); /* NaN: what is read before it is written shows */
  return result;
}

static void *mapped(const char *path, size_t bytes) {
  int descriptor = open(path, O_RDONLY);
  void *result = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (result == MAP_FAILED)
    fail(path);
  close(descriptor);
  return result;
}

static void transfer(const char *path, void *data, size_t bytes, int is_output) {
  FILE *file = fopen(path, is_output ? "wb" : "rb");
  size_t done = !file ? 0 : is_output ? fwrite(data, 1, bytes, file) : fread(data, 1, bytes, file);
  if (!file || done != bytes || fclose(file) != 0)
    fail(path);
}

static void run(pattern_instance *instance, const pattern_layer *layers, size_t count,
                void *const buffers[]) {
  pattern_status status = pattern_instance_run(instance, layers, count, buffers, NULL);
  if (status != PATTERN_OK) {
    fprintf(stderr, "runner: %s\n", pattern_status_message(status));
    exit(1);
  }
}

int main(int count, char **arguments) {
  if (count != 2 + (int)network_buffer_count) {
    fprintf(stderr, "usage: runner WEIGHTS BUFFER...\n");
    return 1;
  }
  char **paths = arguments + 2;
  void **buffers = calloc(2 + network_buffer_count, sizeof *buffers);
  if (!buffers)
    fail("memory");
  buffers[0] = memory(network_arena_bytes);
  buffers[1] = network_weight_bytes ? mapped(arguments[1], network_weight_bytes) : memory(0);
  for (size_t i = 0; i < network_buffer_count; ++i) {
    buffers[2 + i] = memory(network_buffers[i].bytes);
    if (!network_buffers[i].is_output)
      transfer(paths[i], buffers[2 + i], network_buffers[i].bytes, 0);
  }
  pattern_instance *instance;
  if (pattern_instance_create(network_threads, &instance) != PATTERN_OK)
    fail("threads");
  mark(0);
  for (size_t i = 0; i < network_layer_count; ++i) {
    run(instance, &network_layers[i], 1, buffers);
    mark(i + 1);
  }
  pattern_instance_destroy(instance);
  for (size_t i = 0; i < network_buffer_count; ++i)
    if (network_buffers[i].is_output)
      transfer(paths[i], buffers[2 + i], network_buffers[i].bytes, 1);
  return 0;
}
