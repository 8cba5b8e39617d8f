/* The app's native part as a program: adb shell /data/local/tmp/classify model.weights image.raw
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "classifier.h"

#include "model.h"

#include <cstdio>
#include <vector>

int main(int count, char *words[]) {
  std::vector<float> image(MODEL_INPUT_0_ELEMENTS);
  std::FILE *file = count == 3 ? std::fopen(words[2], "rb") : nullptr;
  if (!file || std::fread(image.data(), sizeof(float), image.size(), file) != image.size()) {
    std::fprintf(stderr, "usage: classify WEIGHTS IMAGE, of %zu floats\n", image.size());
    return 1;
  }
  std::fclose(file);
  const char *error = "out of memory";
  classifier *own = classifier_create(words[1], 0, &error);
  int found = own ? classifier_run(own, image.data(), &error) : -1;
  if (found < 0)
    std::fprintf(stderr, "classify: %s\n", error);
  else
    std::printf("%d\n", found);
  classifier_destroy(own);
  return found < 0;
}
