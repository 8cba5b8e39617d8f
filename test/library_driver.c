/* Loads a libmodel.so and runs it on the inputs of a file, one after the other, for tests.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As in the generated header. */
typedef struct options {
  uint32_t signature;
  int32_t threads;
  int64_t chunk;
  void *arena;
  size_t arena_bytes;
  const void *weights;
  size_t weight_bytes;
  const char *weights_file;
} options;

typedef int create_function(const options *, void **);
typedef int run_function(void *, const void *const *, void *const *, int64_t);
typedef const char *error_function(const void *);
typedef int destroy_function(void *);

static void stop(const char *message) {
  fprintf(stderr, "%s\n", message);
  exit(1);
}

static void *symbol(void *library, const char *name) {
  void *found = dlsym(library, name);
  if (!found)
    stop(dlerror());
  return found;
}

/* Not aligned to more than an element: layers must not expect it. */
static void *buffer(size_t bytes) {
  char *memory = NULL;
  if (posix_memalign((void **)&memory, 64, bytes + 64) != 0)
    stop("out of memory");
  memset(memory, 255, bytes + 64);
  return memory + 8;
}

int main(int count, char *words[]) {
  if (count < 10)
    stop("usage: driver LIBRARY SIGNATURE THREADS IMAGES ARENA-BYTES INPUT-BYTES OUTPUT-BYTES "
         "INPUT-FILE OUTPUT-FILE [WEIGHTS-FILE]");
  void *library = dlopen(words[1], RTLD_NOW);
  if (!library)
    stop(dlerror());
  options options = {.signature = (uint32_t)strtoul(words[2], NULL, 0), .threads = atoi(words[3])};
  options.arena_bytes = strtoull(words[5], NULL, 0);
  options.arena = (char *)buffer(options.arena_bytes) + 56; /* aligned, and full of NaN */
  options.weights_file = words[10];
  size_t input_bytes = strtoull(words[6], NULL, 0), output_bytes = strtoull(words[7], NULL, 0);
  error_function *last_error = (error_function *)symbol(library, "model_last_error");
  void *model = NULL;
  if (((create_function *)symbol(library, "model_create"))(&options, &model) != 0)
    stop(last_error(NULL));
  FILE *from = fopen(words[8], "rb"), *to = fopen(words[9], "wb");
  if (!from || !to)
    stop("cannot open the files");
  void *input = buffer(input_bytes), *output = buffer(output_bytes);
  const void *inputs[] = {input};
  void *outputs[] = {output};
  run_function *run = (run_function *)symbol(library, "model_run");
  while (fread(input, 1, input_bytes, from) == input_bytes) {
    if (run(model, inputs, outputs, atoi(words[4])) != 0)
      stop(last_error(model));
    if (fwrite(output, 1, output_bytes, to) != output_bytes)
      stop("cannot write the results");
  }
  if (fclose(to) != 0)
    stop("cannot write the results");
  return ((destroy_function *)symbol(library, "model_destroy"))(model);
}
