/* Runs a compiled network on raw floats and prints its five largest results.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include <stdio.h>
#include <stdlib.h>

#include "model.h"

static int classify(model_instance *instance, float *image, float *scores) {
  const void *inputs[] = {image};
  void *outputs[] = {scores};
  if (model_run(instance, inputs, outputs, MODEL_BATCH) != MODEL_OK) {
    fprintf(stderr, "classify: %s\n", model_last_error(instance));
    return 1;
  }
  for (int rank = 0; rank < 5 && rank < MODEL_OUTPUT_0_ELEMENTS; ++rank) {
    int best = 0;
    for (int i = 1; i < MODEL_OUTPUT_0_ELEMENTS; ++i)
      if (scores[i] > scores[best])
        best = i;
    printf("%d: %.6g\n", best, scores[best]);
    scores[best] = -1e30f;
  }
  return 0;
}

int main(int count, char *words[]) {
  static float image[MODEL_INPUT_0_ELEMENTS], scores[MODEL_OUTPUT_0_ELEMENTS];
  FILE *file = count == 2 ? fopen(words[1], "rb") : NULL;
  if (!file || fread(image, sizeof image, 1, file) != 1) {
    fprintf(stderr, "usage: classify FILE, of %zu bytes: %s of the network as floats\n",
            sizeof image, model_inputs[0].name);
    return 1;
  }
  fclose(file);
  model_options options = MODEL_OPTIONS;
  model_instance *instance = NULL;
  if (model_create(&options, &instance) != MODEL_OK) {
    fprintf(stderr, "classify: %s\n", model_last_error(NULL));
    return 1;
  }
  int code = classify(instance, image, scores);
  model_destroy(instance);
  return code;
}
