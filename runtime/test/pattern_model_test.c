/* The model API's own test, built with sanitizers: options are checked, batches run part by part,
 * weights are verified. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "pattern_model.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UNITS = 12 };

static void expect(int condition, const char *rule) {
  if (!condition) {
    fprintf(stderr, "broken: %s\n", rule);
    exit(1);
  }
}

/* The arena takes the input times a weight, then the output one more. */
static void scale(void *const buffers[], int64_t lo, int64_t hi) {
  int32_t *arena = buffers[0];
  const int32_t *weights = buffers[1], *input = buffers[2];
  for (int64_t i = lo; i < hi; ++i)
    arena[i] = weights[i] * input[i];
}

static void add_one(void *const buffers[], int64_t lo, int64_t hi) {
  const int32_t *arena = buffers[0];
  int32_t *output = buffers[3];
  for (int64_t i = lo; i < hi; ++i)
    output[i] = arena[i] + 1;
}

static _Alignas(PATTERN_ALIGNMENT) const int32_t weights[UNITS] = {1, 2, 3, 4,  5,  6,
                                                                   7, 8, 9, 10, 11, 12};
static const int64_t boundaries[] = {0, 1, UNITS};
static const pattern_layer layers[] = {{scale, UNITS, boundaries, 2, 0},
                                       {add_one, UNITS, NULL, 0, 0}};
static const int64_t bytes[] = {sizeof weights};

static const pattern_model_description inside = {
    .abi_version = PATTERN_ABI_VERSION,
    .signature = 7,
    .threads = 2,
    .separable = 1,
    .batch = 2,
    .layer_count = 2,
    .input_count = 1,
    .output_count = 1,
    .arena_bytes = sizeof weights,
    .weight_bytes = sizeof weights,
    .layers = layers,
    .input_bytes = bytes,
    .output_bytes = bytes,
    .weights = weights,
};

static pattern_model *created(const pattern_model_description *description,
                              pattern_model_options options) {
  pattern_model *model = NULL;
  options.signature = description->signature;
  pattern_status status = pattern_model_create(description, &options, &model);
  if (status != PATTERN_OK)
    fprintf(stderr, "%s\n", pattern_model_last_error(NULL));
  expect(status == PATTERN_OK && model, "a model is created");
  return model;
}

static void expect_refusal(const pattern_model_description *description,
                           pattern_model_options options, pattern_status status,
                           const char *reason) {
  pattern_model *model = NULL;
  if (!options.signature)
    options.signature = description->signature;
  expect(pattern_model_create(description, &options, &model) == status && !model,
         "a bad option is refused");
  expect(strstr(pattern_model_last_error(NULL), reason) != NULL, "the reason is given");
}

static void expect_results(pattern_model *model, int64_t parts) {
  int32_t *input = calloc((size_t)parts, sizeof weights);
  int32_t *output = calloc((size_t)parts, sizeof weights);
  for (int i = 0; i < parts * UNITS; ++i)
    input[i] = i;
  const void *inputs[] = {input};
  void *outputs[] = {output};
  int64_t nanoseconds[] = {-1, -1};
  expect(pattern_model_run(model, inputs, outputs, 2 * parts, nanoseconds) == PATTERN_OK,
         "a run succeeds");
  for (int i = 0; i < parts * UNITS; ++i)
    expect(output[i] == weights[i % UNITS] * i + 1, "every batch is computed");
  expect(nanoseconds[0] >= 0 && nanoseconds[1] >= 0, "layers are timed");
  free(input);
  free(output);
}

static void check_runs(void) {
  for (int32_t threads = 0; threads <= 4; ++threads)
    for (int64_t chunk = 0; chunk < 3; ++chunk) {
      pattern_model *model =
          created(&inside, (pattern_model_options){.threads = threads, .chunk = chunk});
      for (int64_t parts = 1; parts <= 3; ++parts)
        expect_results(model, parts);
      expect(pattern_model_destroy(model) == PATTERN_OK, "an idle model is destroyed");
    }
}

static void check_calls(void) {
  pattern_model *model = created(&inside, (pattern_model_options){0});
  int32_t data[UNITS] = {0};
  const void *inputs[] = {data}, *none[] = {NULL};
  void *outputs[] = {data};
  const struct {
    const void *const *inputs;
    void *const *outputs;
    int64_t images;
    const char *reason;
  } calls[] = {{inputs, outputs, 0, "multiple"},
               {inputs, outputs, -2, "multiple"},
               {inputs, outputs, 3, "multiple"},
               {NULL, outputs, 2, "inputs or outputs are NULL"},
               {inputs, NULL, 2, "inputs or outputs are NULL"},
               {none, outputs, 2, "an input is NULL"}};
  for (size_t i = 0; i < sizeof calls / sizeof calls[0]; ++i) {
    expect(pattern_model_run(model, calls[i].inputs, calls[i].outputs, calls[i].images, NULL) ==
               PATTERN_BAD_ARGUMENT,
           "a bad call is refused");
    expect(strstr(pattern_model_last_error(model), calls[i].reason) != NULL, "the reason is given");
  }
  expect(pattern_model_run(NULL, inputs, outputs, 2, NULL) == PATTERN_BAD_ARGUMENT,
         "NULL is refused");
  pattern_model_destroy(model);
  pattern_model_description joined = inside;
  joined.separable = 0;
  model = created(&joined, (pattern_model_options){0});
  expect(pattern_model_run(model, inputs, outputs, 4, NULL) == PATTERN_BAD_ARGUMENT,
         "images that meet run in one batch");
  expect_results(model, 1);
  pattern_model_destroy(model);
}

static void check_memory(void) {
  _Alignas(PATTERN_ALIGNMENT) static int32_t arena[UNITS + 1];
  memset(arena, 255, sizeof arena);
  pattern_model_options options = {.arena = arena, .arena_bytes = sizeof arena};
  pattern_model *model = created(&inside, options);
  expect_results(model, 1);
  expect(arena[UNITS - 1] == 12 * 11 && arena[UNITS] == -1, "the caller's arena is used");
  pattern_model_destroy(model);
  options.arena_bytes = 4;
  expect_refusal(&inside, options, PATTERN_BAD_ARGUMENT, "too small");
  options = (pattern_model_options){.arena = arena + 1, .arena_bytes = sizeof weights};
  expect_refusal(&inside, options, PATTERN_BAD_ARGUMENT, "aligned to 64");
}

static void check_weights(const char *path) {
  pattern_model_description outside = inside;
  outside.weights = NULL;
  outside.weight_checksum = 0x805A72C8; /* zlib.crc32(numpy.arange(1, 13, dtype="int32")) */
  pattern_model_options options = {.weights = weights, .weight_bytes = sizeof weights};
  pattern_model *model = created(&outside, options);
  expect_results(model, 2);
  pattern_model_destroy(model);
  options.weight_bytes -= 4;
  expect_refusal(&outside, options, PATTERN_BAD_WEIGHTS, "another size");
  expect_refusal(&outside, (pattern_model_options){0}, PATTERN_BAD_WEIGHTS, "in a file");
  options = (pattern_model_options){.weights_file = path};
  expect_refusal(&inside, options, PATTERN_BAD_WEIGHTS, "inside");
  expect_refusal(&outside, options, PATTERN_BAD_WEIGHTS, "cannot be opened");
  FILE *file = fopen(path, "wb");
  expect(file && fwrite(weights, sizeof weights, 1, file) == 1, "weights are written");
  fclose(file);
  model = created(&outside, options);
  expect_results(model, 1);
  pattern_model_destroy(model);
  outside.weight_checksum ^= 1;
  expect_refusal(&outside, options, PATTERN_BAD_WEIGHTS, "damaged");
  outside.weight_bytes += 1;
  expect_refusal(&outside, options, PATTERN_BAD_WEIGHTS, "another size");
  remove(path);
}

static void check_versions_and_features(void) {
  expect_refusal(&inside, (pattern_model_options){.signature = 8}, PATTERN_BAD_ABI, "versions");
  expect_refusal(&inside, (pattern_model_options){.threads = 257}, PATTERN_BAD_ARGUMENT, "threads");
  expect_refusal(&inside, (pattern_model_options){.threads = -1}, PATTERN_BAD_ARGUMENT, "threads");
  pattern_model_description other = inside;
  other.abi_version += 1;
  expect_refusal(&other, (pattern_model_options){0}, PATTERN_BAD_ABI, "versions");
  static const pattern_feature warp = {"no warp drive", UINT32_MAX, 0, 0, 0, 0};
  other = inside;
  other.features = &warp;
  other.feature_count = 1;
  expect_refusal(&other, (pattern_model_options){0}, PATTERN_NO_FEATURE, "no warp drive");
}

static pattern_model *shared;

static void *run_many_times(void *refusals) {
  int32_t input[UNITS] = {0}, output[UNITS];
  const void *inputs[] = {input};
  void *outputs[] = {output};
  for (int i = 0; i < 300; ++i) {
    pattern_status status = pattern_model_run(shared, inputs, outputs, 2, NULL);
    expect(status == PATTERN_OK || status == PATTERN_BUSY, "two callers run or are refused");
    *(int *)refusals += status == PATTERN_BUSY;
  }
  return NULL;
}

static void check_two_callers(void) {
  shared = created(&inside, (pattern_model_options){0});
  pthread_t pair[2];
  int refusals[2] = {0, 0};
  for (int i = 0; i < 2; ++i)
    pthread_create(&pair[i], NULL, run_many_times, &refusals[i]);
  for (int i = 0; i < 2; ++i)
    pthread_join(pair[i], NULL);
  expect_results(shared, 1);
  pattern_model_destroy(shared);
}

static void *run_own(void *unused) {
  pattern_model *model = created(&inside, (pattern_model_options){.threads = 3});
  for (int i = 0; i < 100; ++i)
    expect_results(model, 2);
  pattern_model_destroy(model);
  return unused;
}

static void check_two_models(void) {
  pthread_t pair[2];
  for (int i = 0; i < 2; ++i)
    pthread_create(&pair[i], NULL, run_own, NULL);
  for (int i = 0; i < 2; ++i)
    pthread_join(pair[i], NULL);
}

int main(int count, char *words[]) {
  expect(count == 2, "usage: pattern_model_test FILE-TO-WRITE");
  check_runs();
  check_calls();
  check_memory();
  check_weights(words[1]);
  check_versions_and_features();
  check_two_callers();
  check_two_models();
  expect(pattern_model_destroy(NULL) == PATTERN_OK, "NULL is destroyed");
  puts("pattern_model: all rules hold");
  return 0;
}
