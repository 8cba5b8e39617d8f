/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "classifier.h"

#include "model.hpp"

#include <algorithm>
#include <new>
#include <utility>

struct classifier {
  explicit classifier(model::Instance &&own) : instance(std::move(own)) {}

  model::Instance instance;
  float scores[MODEL_OUTPUT_0_ELEMENTS];
};

classifier *classifier_create(const char *weights_file, int threads, const char **error) {
  model_options options = model::default_options();
  options.weights_file = weights_file;
  options.threads = threads;
  model_status status;
  model::Instance instance = model::Instance::try_create(&status, options);
  if (!instance) {
    *error = instance.last_error();
    return nullptr;
  }
  return new (std::nothrow) classifier(std::move(instance));
}

int classifier_run(classifier *own, const float *image, const char **error) {
  const void *inputs[] = {image};
  void *outputs[] = {own->scores};
  if (own->instance.try_run(inputs, outputs) != MODEL_OK) {
    *error = own->instance.last_error();
    return -1;
  }
  const float *begin = own->scores, *end = begin + MODEL_OUTPUT_0_ELEMENTS;
  return static_cast<int>(std::max_element(begin, end) - begin);
}

void classifier_destroy(classifier *own) { delete own; }
