/**
 * @file
 * C++11 for @name@.h: instances that free themselves, errors as exceptions where these are on.
 */
#ifndef @NAME@_HPP
#define @NAME@_HPP

#include "@name@.h"

#include <utility>
#if defined(__cpp_exceptions) || defined(__EXCEPTIONS)
#include <stdexcept>
#define @NAME@_EXCEPTIONS
#endif

namespace @name@ {

/** The usual options, to change one by one. */
inline @name@_options default_options() noexcept {
  @name@_options options = @NAME@_OPTIONS;
  return options;
}

#ifdef @NAME@_EXCEPTIONS
/** Why a call failed: a status, and what() in words. */
class Error : public std::runtime_error {
public:
  Error(@name@_status status, const char *message) : std::runtime_error(message), status_(status) {}
  @name@_status status() const noexcept { return status_; }

private:
  @name@_status status_;
};
#endif

/** The network with memory and threads of its own; one thread at a time may run it. */
class Instance {
public:
  /** An instance, or an empty one and why in *status. Throws nothing. */
  static Instance try_create(@name@_status *status,
                             const @name@_options &options = default_options()) noexcept {
    @name@_instance *handle = nullptr;
    *status = @name@_create(&options, &handle);
    return Instance(handle);
  }

  Instance(Instance &&other) noexcept : handle_(other.handle_) { other.handle_ = nullptr; }
  Instance &operator=(Instance &&other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  Instance(const Instance &) = delete;
  Instance &operator=(const Instance &) = delete;
  ~Instance() { @name@_destroy(handle_); }

  explicit operator bool() const noexcept { return handle_ != nullptr; }

  /** Runs as @name@_run does. Throws nothing. */
  @name@_status try_run(const void *const *inputs, void *const *outputs,
                        int64_t images = @NAME@_BATCH) noexcept {
    return @name@_run(handle_, inputs, outputs, images);
  }

  /** Runs as @name@_run_timed does, with room for @NAME@_LAYER_COUNT times. Throws nothing. */
  @name@_status try_run_timed(const void *const *inputs, void *const *outputs,
                              int64_t *nanoseconds, int64_t images = @NAME@_BATCH) noexcept {
    return @name@_run_timed(handle_, inputs, outputs, images, nanoseconds);
  }

  /** Why the last call failed, in one line; of an empty instance, why it is empty. */
  const char *last_error() const noexcept { return @name@_last_error(handle_); }

#ifdef @NAME@_EXCEPTIONS
  /** An instance; throws Error. */
  explicit Instance(const @name@_options &options = default_options()) : handle_(nullptr) {
    check(@name@_create(&options, &handle_));
  }

  /** Runs as @name@_run does; throws Error. */
  void run(const void *const *inputs, void *const *outputs, int64_t images = @NAME@_BATCH) {
    check(try_run(inputs, outputs, images));
  }
#endif

private:
  explicit Instance(@name@_instance *handle) noexcept : handle_(handle) {}

#ifdef @NAME@_EXCEPTIONS
  void check(@name@_status status) const {
    if (status != @NAME@_OK)
      throw Error(status, last_error());
  }
#endif

  @name@_instance *handle_;
};

} // namespace @name@

#endif
