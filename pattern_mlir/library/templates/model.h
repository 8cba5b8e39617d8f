/**
 * @file
 * The network "@name@", compiled by pattern_mlir @version@ for @triple@ (@cpu@).
 *
 * Link lib@name@.so, or lib@name@.a with -lm and -pthread. See docs/library.md.
 */
#ifndef @NAME@_H
#define @NAME@_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The machine and the processor that it was compiled for, by LLVM's names. */
#define @NAME@_TRIPLE "@triple@"
#define @NAME@_CPU "@cpu@"
/** Images that a run computes at least; runs take @multiples@. */
#define @NAME@_BATCH @batch@
/** Threads that the layers are split for; any number from 1 to 256 may run them. */
#define @NAME@_THREADS @threads@
/** Bytes of memory for intermediate results, see @name@_options.arena. */
#define @NAME@_ARENA_BYTES @arena_bytes@
/** Bytes of the weights, which are @weights_place@. */
#define @NAME@_WEIGHT_BYTES @weight_bytes@
/** Alignment of arena and mapped weights, in bytes. */
#define @NAME@_ALIGNMENT 64
/** Dimensions of an input or output at most. */
#define @NAME@_MAX_RANK @max_rank@
#define @NAME@_INPUT_COUNT @input_count@
#define @NAME@_OUTPUT_COUNT @output_count@
#define @NAME@_LAYER_COUNT @layer_count@
@tensor_macros@
/** An element type; floating point is IEEE 754's, a bool is a byte of 0 or 1. */
typedef enum @name@_dtype {
@dtypes@
} @name@_dtype;

/** An input or output: contiguous, the last dimension the densest, aligned to its elements. */
typedef struct @name@_tensor {
  const char *name;
  @name@_dtype dtype;
  int32_t rank;
  int64_t shape[@NAME@_MAX_RANK]; /**< For @NAME@_BATCH images. */
  int64_t bytes;                  /**< For @NAME@_BATCH images. */
} @name@_tensor;

/** The inputs, in the order of the model's arguments; then one without a name. */
static const @name@_tensor @name@_inputs[@NAME@_INPUT_COUNT + 1] = {
@inputs@
};

/** The outputs, in the order of the model's results; then one without a name. */
static const @name@_tensor @name@_outputs[@NAME@_OUTPUT_COUNT + 1] = {
@outputs@
};

/** A layer, for its time of @name@_run_timed. */
typedef struct @name@_layer {
  const char *name;        /**< Where in the model it comes from. */
  const char *kernel;      /**< Its kind; "loops" without a kernel of its own. */
  int64_t multiplications; /**< Of a batch, without those of pruned weights; 0: not counted. */
  int64_t cycles;          /**< What a core is expected to take for a batch; 0: not known. */
} @name@_layer;

/** The layers, in the order in which they run; then one without a name. */
static const @name@_layer @name@_layers[@NAME@_LAYER_COUNT + 1] = {
@layers@
};

/** What a call returns; @name@_last_error says more. */
typedef enum @name@_status {
  @NAME@_OK = 0,
  @NAME@_BAD_ARGUMENT = 1,
  @NAME@_OUT_OF_MEMORY = 2,
  @NAME@_NO_THREAD = 3,   /**< The system refused to start a thread. */
  @NAME@_BUSY = 4,        /**< Another thread runs this instance now. */
  @NAME@_AFTER_FORK = 5,  /**< The instance belongs to the parent process. */
  @NAME@_NO_FEATURE = 6,  /**< The processor lacks what the code was compiled for. */
  @NAME@_BAD_WEIGHTS = 7, /**< The weights are missing, damaged, or of another model. */
  @NAME@_BAD_ABI = 8      /**< This header is not the library's. */
} @name@_status;

/** The network with memory and threads of its own. Instances share nothing but the weights. */
typedef struct @name@_instance @name@_instance;

/** How to run the network; start from @NAME@_OPTIONS. */
typedef struct @name@_options {
  uint32_t signature;       /**< Of this header, as in @NAME@_OPTIONS. */
  int32_t threads;          /**< 0: @NAME@_THREADS. The caller of run is one of them. */
  int64_t chunk;            /**< Units of a layer that a thread takes at a time; 0: each thread has
                                 its share, and helps others when it is done. */
  void *arena;              /**< Aligned memory for this instance only; NULL: the instance's own. */
  size_t arena_bytes;       /**< Of arena; at least @NAME@_ARENA_BYTES. */
  const void *weights;      /**< The mapped file @name@.weights, aligned; else NULL. */
  size_t weight_bytes;      /**< Of weights. */
  const char *weights_file; /**< Path of @name@.weights, to map; else NULL. */
} @name@_options;

/** The usual way: `@name@_options options = @NAME@_OPTIONS;` */
#define @NAME@_OPTIONS {@signature@u, 0, 0, NULL, 0, NULL, 0, NULL}

/**
 * Checks processor and weights, allocates memory, starts threads.
 * @param options How to run the network.
 * @param instance Receives the instance; NULL after a failure.
 * @return @NAME@_OK, or why not: @name@_last_error(NULL) has it in words.
 */
@name@_status @name@_create(const @name@_options *options, @name@_instance **instance);

/**
 * Runs the network; allocates nothing. One thread at a time may run an instance.
 * @param inputs A buffer for each of @name@_inputs, of as many images.
 * @param outputs A buffer for each of @name@_outputs.
 * @param images How many images: @multiples@.
 */
@name@_status @name@_run(@name@_instance *instance, const void *const inputs[],
                         void *const outputs[], int64_t images);

/**
 * Runs the network as @name@_run does and measures each layer.
 * @param nanoseconds Receives @NAME@_LAYER_COUNT times, of all images together.
 */
@name@_status @name@_run_timed(@name@_instance *instance, const void *const inputs[],
                               void *const outputs[], int64_t images, int64_t nanoseconds[]);

/**
 * Returns why the last call for the instance failed, in one line of static text; for NULL, why the
 * last @name@_create that failed in this process did.
 */
const char *@name@_last_error(const @name@_instance *instance);

/** Ends the threads and frees the instance. NULL is allowed; a busy instance stays as it is. */
@name@_status @name@_destroy(@name@_instance *instance);

#ifdef __cplusplus
}
#endif

#endif
