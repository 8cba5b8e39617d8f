/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "pattern_model.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

/* Looking up addresses of small pages takes up to a third of the time of a large layer. */
enum { HUGE_PAGE = 1 << 21 };

struct pattern_model {
  const pattern_model_description *description;
  pattern_instance *instance;
  void *own_arena;   /* NULL: the caller's */
  void *own_mapping; /* NULL: the caller's, or inside */
  atomic_flag running;
  _Atomic(const char *) error;
  pattern_layer *layers;
  void **buffers; /* arena, weights, inputs, outputs */
};

static _Atomic(const char *) creation_error = "no error";

static pattern_status refused(pattern_status status, const char *message) {
  atomic_store_explicit(&creation_error, message, memory_order_relaxed);
  return status;
}

#if defined(__x86_64__)

static uint32_t kept_state(void) {
  uint32_t eax, ebx, ecx, edx;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx >> 27 & 1))
    return 0;
  __asm__("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
  return eax;
}

static bool processor_has(const pattern_feature *feature) {
  uint32_t words[4];
  if (!__get_cpuid_count(feature->leaf, feature->subleaf, &words[0], &words[1], &words[2],
                         &words[3]))
    return false;
  return (words[feature->word] >> feature->bit & 1) != 0 &&
         (kept_state() & feature->state) == feature->state;
}

#elif defined(__aarch64__)

static bool processor_has(const pattern_feature *feature) {
  return (getauxval(feature->leaf) >> feature->bit & 1) != 0;
}

#else

static bool processor_has(const pattern_feature *feature) {
  (void)feature;
  return false; /* cannot be known */
}

#endif

/* CRC-32 as in zlib, four bytes at a time. */
static uint32_t checksum(const unsigned char *bytes, int64_t count) {
  uint32_t table[4][256];
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit)
      value = value >> 1 ^ (value & 1 ? 0xEDB88320u : 0);
    table[0][i] = value;
  }
  for (uint32_t i = 0; i < 256; ++i)
    for (int k = 1; k < 4; ++k)
      table[k][i] = table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 255];
  uint32_t sum = UINT32_MAX;
  for (; count >= 4; count -= 4, bytes += 4) {
    sum ^= bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
    sum = table[3][sum & 255] ^ table[2][sum >> 8 & 255] ^ table[1][sum >> 16 & 255] ^
          table[0][sum >> 24];
  }
  for (; count > 0; --count, ++bytes)
    sum = sum >> 8 ^ table[0][(sum ^ *bytes) & 255];
  return ~sum;
}

static bool aligned(const void *memory) { return (uintptr_t)memory % PATTERN_ALIGNMENT == 0; }

/* Refuses what would not run, before anything is allocated. */
static pattern_status check_call(const pattern_model_description *description,
                                 const pattern_model_options *options) {
  if (!description || !options)
    return refused(PATTERN_BAD_ARGUMENT, "description, options or model are NULL");
  if (description->abi_version != PATTERN_ABI_VERSION ||
      options->signature != description->signature)
    return refused(PATTERN_BAD_ABI, pattern_status_message(PATTERN_BAD_ABI));
  for (int64_t i = 0; i < description->feature_count; ++i)
    if (!processor_has(&description->features[i]))
      return refused(PATTERN_NO_FEATURE, description->features[i].missing);
  if (options->threads < 0 || options->threads > PATTERN_MAX_THREADS || options->chunk < 0)
    return refused(PATTERN_BAD_ARGUMENT, "threads must be from 0 to 256, chunk not negative");
  if (options->arena && (int64_t)options->arena_bytes < description->arena_bytes)
    return refused(PATTERN_BAD_ARGUMENT, "the arena is too small: see arena_bytes");
  if (!aligned(options->arena) || !aligned(options->weights))
    return refused(PATTERN_BAD_ARGUMENT, "arena and weights must be aligned to 64 bytes");
  if (description->weights && (options->weights || options->weights_file))
    return refused(PATTERN_BAD_WEIGHTS, "the library has its weights inside; pass none");
  return PATTERN_OK;
}

static pattern_status map_file(pattern_model *model, const char *path, const void **weights) {
  int64_t expected = model->description->weight_bytes;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return refused(PATTERN_BAD_WEIGHTS, "the file of weights cannot be opened");
  int64_t size = lseek(file, 0, SEEK_END);
  void *mapping = MAP_FAILED;
  if (size == expected && size > 0)
    mapping = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, file, 0);
  close(file);
  if (size != expected)
    return refused(PATTERN_BAD_WEIGHTS, "the file of weights has another size than the model's");
  if (size > 0 && mapping == MAP_FAILED)
    return refused(PATTERN_BAD_WEIGHTS, "the file of weights cannot be mapped");
  *weights = model->own_mapping = size > 0 ? mapping : NULL;
  return PATTERN_OK;
}

static pattern_status find_weights(pattern_model *model, const pattern_model_options *options,
                                   const void **weights) {
  const pattern_model_description *description = model->description;
  *weights = description->weights ? description->weights : options->weights;
  if (description->weights)
    return PATTERN_OK;
  if (!options->weights) {
    if (!options->weights_file)
      return refused(PATTERN_BAD_WEIGHTS, "the weights are in a file: pass it, or its mapping");
    pattern_status status = map_file(model, options->weights_file, weights);
    if (status != PATTERN_OK)
      return status;
  } else if ((int64_t)options->weight_bytes != description->weight_bytes) {
    return refused(PATTERN_BAD_WEIGHTS, "the weights have another size than the model's");
  }
  if (checksum(*weights, description->weight_bytes) != description->weight_checksum)
    return refused(PATTERN_BAD_WEIGHTS, "the weights are damaged, or of another model");
  return PATTERN_OK;
}

static void *create_arena(size_t bytes) {
  bool large = bytes >= HUGE_PAGE / 4;
  void *arena = NULL;
  if (posix_memalign(&arena, large ? HUGE_PAGE : PATTERN_ALIGNMENT, bytes ? bytes : 1) != 0)
    return NULL;
#if defined(MADV_HUGEPAGE)
  if (large)
    madvise(arena, bytes, MADV_HUGEPAGE); /* a kernel without them goes on with small ones */
#endif
  return arena;
}

/* Allocates what the model consists of; what was made before a failure is destroyed with it. */
static pattern_status fill(pattern_model *model, const pattern_model_options *options) {
  const pattern_model_description *description = model->description;
  int64_t buffers = 2 + description->input_count + description->output_count;
  model->layers = calloc((size_t)description->layer_count + 1, sizeof *model->layers);
  model->buffers = calloc((size_t)buffers, sizeof *model->buffers);
  model->own_arena = options->arena ? NULL : create_arena((size_t)description->arena_bytes);
  if (!model->layers || !model->buffers || !(options->arena || model->own_arena))
    return refused(PATTERN_OUT_OF_MEMORY, pattern_status_message(PATTERN_OUT_OF_MEMORY));
  for (int64_t i = 0; i < description->layer_count; ++i) {
    model->layers[i] = description->layers[i];
    model->layers[i].chunk = options->chunk;
  }
  const void *weights = NULL;
  pattern_status status = find_weights(model, options, &weights);
  if (status != PATTERN_OK)
    return status;
  model->buffers[0] = options->arena ? options->arena : model->own_arena;
  model->buffers[1] = (void *)(uintptr_t)weights; /* layers only read it */
  int32_t threads = options->threads ? options->threads : description->threads;
  status = pattern_instance_create(threads, &model->instance);
  return status == PATTERN_OK ? status : refused(status, pattern_status_message(status));
}

pattern_status pattern_model_create(const pattern_model_description *description,
                                    const pattern_model_options *options, pattern_model **result) {
  if (!result)
    return refused(PATTERN_BAD_ARGUMENT, "description, options or model are NULL");
  *result = NULL;
  pattern_status status = check_call(description, options);
  if (status != PATTERN_OK)
    return status;
  pattern_model *model = calloc(1, sizeof *model);
  if (!model)
    return refused(PATTERN_OUT_OF_MEMORY, pattern_status_message(PATTERN_OUT_OF_MEMORY));
  model->description = description;
  atomic_flag_clear(&model->running);
  atomic_init(&model->error, "no error");
  status = fill(model, options);
  if (status != PATTERN_OK) {
    pattern_model_destroy(model);
    return status;
  }
  *result = model;
  return PATTERN_OK;
}

static pattern_status failed(pattern_model *model, pattern_status status, const char *message) {
  atomic_store_explicit(&model->error, message, memory_order_relaxed);
  return status;
}

static const char *fault(const pattern_model_description *description, const void *const inputs[],
                         void *const outputs[], int64_t images) {
  if (images < 1 || images % description->batch != 0)
    return "images must be a positive multiple of the batch that the model was exported for";
  if (images != description->batch && !description->separable)
    return "images of this model meet: it runs on the batch that it was exported for only";
  if ((description->input_count && !inputs) || (description->output_count && !outputs))
    return "inputs or outputs are NULL";
  for (int64_t i = 0; i < description->input_count; ++i)
    if (!inputs[i])
      return "an input is NULL";
  for (int64_t i = 0; i < description->output_count; ++i)
    if (!outputs[i])
      return "an output is NULL";
  return NULL;
}

/* Points the buffers at one batch of many. */
static void set_buffers(pattern_model *model, const void *const inputs[], void *const outputs[],
                        int64_t part) {
  const pattern_model_description *description = model->description;
  void **buffers = model->buffers + 2;
  for (int64_t i = 0; i < description->input_count; ++i) {
    const char *input = inputs[i];
    buffers[i] = (void *)(uintptr_t)(input + part * description->input_bytes[i]); /* only read */
  }
  buffers += description->input_count;
  for (int64_t i = 0; i < description->output_count; ++i) {
    char *output = outputs[i];
    buffers[i] = output + part * description->output_bytes[i];
  }
}

pattern_status pattern_model_run(pattern_model *model, const void *const inputs[],
                                 void *const outputs[], int64_t images, int64_t nanoseconds[]) {
  if (!model)
    return PATTERN_BAD_ARGUMENT;
  const pattern_model_description *description = model->description;
  const char *message = fault(description, inputs, outputs, images);
  if (message)
    return failed(model, PATTERN_BAD_ARGUMENT, message);
  if (atomic_flag_test_and_set(&model->running))
    return failed(model, PATTERN_BUSY, pattern_status_message(PATTERN_BUSY));
  for (int64_t i = 0; nanoseconds && i < description->layer_count; ++i)
    nanoseconds[i] = 0;
  pattern_status status = PATTERN_OK;
  for (int64_t part = 0; status == PATTERN_OK && part < images / description->batch; ++part) {
    set_buffers(model, inputs, outputs, part);
    status = pattern_instance_run(model->instance, model->layers, (size_t)description->layer_count,
                                  model->buffers, nanoseconds);
  }
  atomic_flag_clear(&model->running);
  return status == PATTERN_OK ? status : failed(model, status, pattern_status_message(status));
}

const char *pattern_model_last_error(const pattern_model *model) {
  return atomic_load_explicit(model ? &model->error : &creation_error, memory_order_relaxed);
}

pattern_status pattern_model_destroy(pattern_model *model) {
  if (!model)
    return PATTERN_OK;
  if (atomic_flag_test_and_set(&model->running))
    return failed(model, PATTERN_BUSY, pattern_status_message(PATTERN_BUSY));
  pattern_instance_destroy(model->instance);
  if (model->own_mapping)
    munmap(model->own_mapping, (size_t)model->description->weight_bytes);
  free(model->own_arena);
  free(model->buffers);
  free(model->layers);
  free(model);
  return PATTERN_OK;
}
