/* Times a compiled network where it is to run: whole runs, each layer, the processor's clock.
 * Built with the model.h and libmodel.a that pattern-opt --emit=library wrote; --emit=bench does.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_REPEAT = 10000, MAX_PROCESSORS = 256, WARM_UP_NANOSECONDS = 500000000 };

static const char usage[] =
    "usage: pattern-bench [--threads N] [--images N] [--repeat N] [--chunk N] [--weights FILE]\n"
    "                     [--json FILE]\n"
    "Times the network that was compiled into it. Processors are chosen with taskset.\n";

typedef struct settings {
  model_options options;
  int64_t images;
  int64_t repeat;
  const char *json;
} settings;

typedef struct summary {
  int64_t median, low, high; /* of all runs, and of the tenth that took least and most */
} summary;

typedef struct processor {
  int64_t current, maximum; /* kHz; 0 where the system does not say */
} processor;

typedef struct machine {
  char name[128];
  char parts[512]; /* distinct numbers of Arm's cores */
  processor processors[MAX_PROCESSORS];
  int count;
  double gigahertz; /* measured */
} machine;

static int64_t layer_medians[MODEL_LAYER_COUNT + 1];

static void stop(const char *message) {
  fprintf(stderr, "pattern-bench: error: %s\n", message);
  exit(1);
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int64_t number(const char *text, int64_t least, int64_t most) {
  char *end = NULL;
  long long value = strtoll(text, &end, 10);
  if (*text == '\0' || *end != '\0' || value < least || value > most) {
    fprintf(stderr,
            "pattern-bench: error: needs a number from %" PRId64 " to %" PRId64 ", got '%s'\n%s",
            least, most, text, usage);
    exit(1);
  }
  return value;
}

static settings parsed(int count, char *words[]) {
  settings own = {MODEL_OPTIONS, MODEL_BATCH, 30, NULL};
  for (int i = 1; i < count; i += 2) {
    const char *word = words[i], *value = i + 1 < count ? words[i + 1] : NULL;
    if (value && strcmp(word, "--threads") == 0)
      own.options.threads = (int32_t)number(value, 1, 256);
    else if (value && strcmp(word, "--images") == 0)
      own.images = number(value, 1, 1 << 20);
    else if (value && strcmp(word, "--repeat") == 0)
      own.repeat = number(value, 1, MAX_REPEAT);
    else if (value && strcmp(word, "--chunk") == 0)
      own.options.chunk = number(value, 0, INT64_MAX);
    else if (value && strcmp(word, "--weights") == 0)
      own.options.weights_file = value;
    else if (value && strcmp(word, "--json") == 0)
      own.json = value;
    else {
      fputs(usage, stderr);
      exit(1);
    }
  }
  if (own.images % MODEL_BATCH != 0)
    stop("--images must be a multiple of the batch that the network was exported for");
  return own;
}

static int in_order(const void *first, const void *second) {
  int64_t a = *(const int64_t *)first, b = *(const int64_t *)second;
  return (a > b) - (a < b);
}

static summary summarized(int64_t times[], int64_t count) {
  qsort(times, (size_t)count, sizeof times[0], in_order);
  return (summary){times[count / 2], times[count / 10], times[count - 1 - count / 10]};
}

/* Numbers that no activation saturates; integers stay in the range of most tables. */
static void fill(const model_tensor *tensor, void *buffer, int64_t images) {
  int64_t count = 1, bytes = images / MODEL_BATCH * tensor->bytes;
  uint32_t state = 1;
  for (int32_t i = 0; i < tensor->rank; ++i)
    count *= tensor->shape[i];
  if (tensor->dtype == MODEL_FLOAT32) {
    float *values = buffer;
    for (int64_t i = 0; i < count * (images / MODEL_BATCH); ++i) {
      state = state * 1664525u + 1013904223u;
      values[i] = (float)(state >> 8) / (1 << 23) - 1;
    }
  } else {
    memset(buffer, 0, (size_t)bytes);
  }
}

static void *buffer_for(const model_tensor *tensor, int64_t images) {
  void *buffer = NULL;
  size_t bytes = (size_t)(images / MODEL_BATCH * tensor->bytes);
  if (posix_memalign(&buffer, MODEL_ALIGNMENT, bytes + !bytes) != 0)
    stop("out of memory");
  fill(tensor, buffer, images);
  return buffer;
}

/* Operations that wait for each other and take a cycle each, on every core since the Cortex-A53. */
static double measured_gigahertz(void) {
#if defined(__x86_64__) || defined(__aarch64__)
  enum { STEPS = 200000 };
  int64_t best = INT64_MAX;
  for (int attempt = 0; attempt < 9; ++attempt) {
    uint64_t value = 1, other = 3;
    int64_t start = now();
    for (int i = 0; i < STEPS; ++i) {
#if defined(__aarch64__)
      __asm__ volatile("eor %0, %0, %1\n\teor %0, %0, %1\n\teor %0, %0, %1\n\teor %0, %0, %1\n\t"
                       "eor %0, %0, %1\n\teor %0, %0, %1\n\teor %0, %0, %1\n\teor %0, %0, %1"
                       : "+r"(value)
                       : "r"(other));
#else
      __asm__ volatile("xor %1, %0\n\txor %1, %0\n\txor %1, %0\n\txor %1, %0\n\t"
                       "xor %1, %0\n\txor %1, %0\n\txor %1, %0\n\txor %1, %0"
                       : "+r"(value)
                       : "r"(other));
#endif
    }
    int64_t taken = now() - start;
    best = taken < best ? taken : best;
  }
  return 8.0 * STEPS / (double)(best > 0 ? best : 1);
#else
  return 0;
#endif
}

/* The number in a file of cpufreq; 0 where there is none. */
static int64_t frequency(int cpu, const char *name) {
  char path[128];
  long long value = 0;
  snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/cpufreq/%s", cpu, name);
  FILE *file = fopen(path, "r");
  if (!file)
    return 0;
  if (fscanf(file, "%lld", &value) != 1)
    value = 0;
  fclose(file);
  return value;
}

/* Takes what /proc/cpuinfo says of names and cores. */
static void read_processors(machine *own) {
  char line[512];
  FILE *file = fopen("/proc/cpuinfo", "r");
  while (file && fgets(line, sizeof line, file)) {
    char *value = strchr(line, ':');
    if (!value)
      continue;
    value += strspn(value, ": \t");
    value[strcspn(value, "\n")] = '\0';
    size_t used = strlen(own->parts);
    if (strncmp(line, "processor", 9) == 0 && own->count < MAX_PROCESSORS)
      own->count += 1;
    else if (strncmp(line, "model name", 10) == 0 || strncmp(line, "Hardware", 8) == 0)
      snprintf(own->name, sizeof own->name, "%s", value);
    else if (strncmp(line, "CPU part", 8) == 0 && !strstr(own->parts, value))
      snprintf(own->parts + used, sizeof own->parts - used, "%s%s", used ? " " : "", value);
  }
  if (file)
    fclose(file);
  for (int i = 0; i < own->count; ++i) {
    own->processors[i].current = frequency(i, "scaling_cur_freq");
    own->processors[i].maximum = frequency(i, "cpuinfo_max_freq");
  }
}

static void print_machine(const machine *own) {
  printf("processor: %s%s%s; %d cores; clock %.2f GHz, measured\n", own->name,
         own->parts[0] ? " cores of kind " : "", own->parts, own->count, own->gigahertz);
  for (int i = 0; i < own->count; ++i)
    if (own->processors[i].maximum)
      printf("  cpu%d: %" PRId64 " of %" PRId64 " MHz\n", i, own->processors[i].current / 1000,
             own->processors[i].maximum / 1000);
}

/* A layer's time as the machine model has it, in nanoseconds; 0 for unknown. */
static double predicted(int layer, const settings *own, const machine *machine) {
  int32_t threads = own->options.threads ? own->options.threads : MODEL_THREADS;
  double cycles = (double)model_layers[layer].cycles * (double)(own->images / MODEL_BATCH);
  return machine->gigahertz > 0 ? cycles / machine->gigahertz / threads : 0;
}

static void print_layers(const settings *own, const machine *machine) {
  double total = 0;
  for (int i = 0; i < MODEL_LAYER_COUNT; ++i)
    total += (double)layer_medians[i];
  printf("%-32s %-14s %10s %10s %6s\n", "layer", "kernel", "us", "predicted", "share");
  for (int i = 0; i < MODEL_LAYER_COUNT; ++i)
    printf("%-32s %-14s %10.1f %10.1f %5.1f%%\n", model_layers[i].name, model_layers[i].kernel,
           (double)layer_medians[i] / 1e3, predicted(i, own, machine) / 1e3,
           100 * (double)layer_medians[i] / (total > 0 ? total : 1));
}

static void write_text(FILE *file, const char *text) {
  fputc('"', file);
  for (; *text; ++text)
    if (*text == '"' || *text == '\\')
      fprintf(file, "\\%c", *text);
    else if ((unsigned char)*text < 32)
      fprintf(file, "\\u%04x", (unsigned)*text);
    else
      fputc(*text, file);
  fputc('"', file);
}

static void write_field(FILE *file, const char *name, const char *text) {
  fprintf(file, " \"%s\": ", name);
  write_text(file, text);
  fputs(",\n", file);
}

static void write_json(const settings *own, const machine *machine, summary runs) {
  FILE *file = fopen(own->json, "w");
  if (!file)
    stop("the file of --json cannot be written");
  fputs("{\n \"format\": 1,\n", file);
  write_field(file, "triple", MODEL_TRIPLE);
  write_field(file, "cpu", MODEL_CPU);
  write_field(file, "processor", machine->name);
  write_field(file, "parts", machine->parts);
  fprintf(file, " \"threads\": %d,\n \"images\": %" PRId64 ",\n \"repeat\": %" PRId64 ",\n",
          (int)(own->options.threads ? own->options.threads : MODEL_THREADS), own->images,
          own->repeat);
  fprintf(file, " \"batch\": %d,\n \"gigahertz\": %.4f,\n \"clocks\": [", MODEL_BATCH,
          machine->gigahertz);
  for (int i = 0; i < machine->count; ++i)
    fprintf(file, "%s[%" PRId64 ", %" PRId64 "]", i ? ", " : "", machine->processors[i].current,
            machine->processors[i].maximum);
  fprintf(file, "],\n \"median\": %" PRId64 ",\n \"low\": %" PRId64 ",\n \"high\": %" PRId64 ",\n",
          runs.median, runs.low, runs.high);
  fputs(" \"layers\": [\n", file);
  for (int i = 0; i < MODEL_LAYER_COUNT; ++i) {
    fputs("  {\"name\": ", file);
    write_text(file, model_layers[i].name);
    fputs(", \"kernel\": ", file);
    write_text(file, model_layers[i].kernel);
    fprintf(file,
            ", \"multiplications\": %" PRId64 ", \"cycles\": %" PRId64 ", \"nanoseconds\": %" PRId64
            "}%s\n",
            model_layers[i].multiplications, model_layers[i].cycles, layer_medians[i],
            i + 1 < MODEL_LAYER_COUNT ? "," : "");
  }
  fputs(" ]\n}\n", file);
  if (fclose(file) != 0)
    stop("the file of --json cannot be written");
}

static int64_t run_once(model_instance *instance, const void *const inputs[], void *const outputs[],
                        int64_t images) {
  int64_t start = now();
  if (model_run(instance, inputs, outputs, images) != MODEL_OK)
    stop(model_last_error(instance));
  return now() - start;
}

static summary time_runs(model_instance *instance, const settings *own, const void *const inputs[],
                         void *const outputs[]) {
  static int64_t times[MAX_REPEAT];
  int64_t end = now() + WARM_UP_NANOSECONDS;
  do
    run_once(instance, inputs, outputs, own->images);
  while (now() < end);
  for (int64_t i = 0; i < own->repeat; ++i)
    times[i] = run_once(instance, inputs, outputs, own->images);
  return summarized(times, own->repeat);
}

static void time_layers(model_instance *instance, const settings *own, const void *const inputs[],
                        void *const outputs[]) {
  int64_t *times = calloc((size_t)own->repeat * MODEL_LAYER_COUNT + 1, sizeof *times);
  int64_t *column = calloc((size_t)own->repeat, sizeof *column);
  if (!times || !column)
    stop("out of memory");
  for (int64_t i = 0; i < own->repeat; ++i)
    if (model_run_timed(instance, inputs, outputs, own->images, times + i * MODEL_LAYER_COUNT) !=
        MODEL_OK)
      stop(model_last_error(instance));
  for (int layer = 0; layer < MODEL_LAYER_COUNT; ++layer) {
    for (int64_t i = 0; i < own->repeat; ++i)
      column[i] = times[i * MODEL_LAYER_COUNT + layer];
    layer_medians[layer] = summarized(column, own->repeat).median;
  }
  free(times);
  free(column);
}

int main(int count, char *words[]) {
  settings own = parsed(count, words);
  model_instance *instance = NULL;
  if (model_create(&own.options, &instance) != MODEL_OK)
    stop(model_last_error(NULL));
  void *inputs[MODEL_INPUT_COUNT + 1], *outputs[MODEL_OUTPUT_COUNT + 1];
  for (int i = 0; i < MODEL_INPUT_COUNT; ++i)
    inputs[i] = buffer_for(&model_inputs[i], own.images);
  for (int i = 0; i < MODEL_OUTPUT_COUNT; ++i)
    outputs[i] = buffer_for(&model_outputs[i], own.images);
  const void *const *given = (const void *const *)inputs;
  summary runs = time_runs(instance, &own, given, outputs);
  static machine machine;
  read_processors(&machine); /* while it is as fast as in the runs */
  machine.gigahertz = measured_gigahertz();
  time_layers(instance, &own, given, outputs);
  print_machine(&machine);
  print_layers(&own, &machine);
  printf("median of %" PRId64 " runs: %.3f ms, 10%% to 90%%: %.3f to %.3f ms; images: %" PRId64
         ", threads: %d\n",
         own.repeat, (double)runs.median / 1e6, (double)runs.low / 1e6, (double)runs.high / 1e6,
         own.images, (int)(own.options.threads ? own.options.threads : MODEL_THREADS));
  if (own.json)
    write_json(&own, &machine, runs);
  for (int i = 0; i < MODEL_INPUT_COUNT; ++i)
    free(inputs[i]);
  for (int i = 0; i < MODEL_OUTPUT_COUNT; ++i)
    free(outputs[i]);
  model_destroy(instance);
  return 0;
}
