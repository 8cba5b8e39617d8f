/* The network as an app sees it: one function that finds the class of an image.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#ifndef CLASSIFIER_H
#define CLASSIFIER_H

#ifdef __cplusplus
extern "C" {
#endif

typedef struct classifier classifier;

/* Loads the network with the weights of a file; NULL, and why in *error, where that fails. */
__attribute__((visibility("default"))) classifier *
classifier_create(const char *weights_file, int threads, const char **error);

/* The class of an image (MODEL_INPUT_0_ELEMENTS floats); -1, and why in *error, where that fails.
 */
__attribute__((visibility("default"))) int classifier_run(classifier *own, const float *image,
                                                          const char **error);

__attribute__((visibility("default"))) void classifier_destroy(classifier *own);

#ifdef __cplusplus
}
#endif

#endif
