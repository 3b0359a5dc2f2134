// handles.h: Halogen's C handles as C++ objects, its errors as exceptions.
#pragma once

#include <halogen/module.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace replay {

/// A call of the library that failed.
struct CallFailed : std::runtime_error {
  CallFailed(halogen_status code, const char *text)
      : std::runtime_error(std::string(halogen_status_name(code)) + ": " + text), status(code), message(text) {}
  halogen_status status;
  std::string message;
};

/// Collects the error of one call: `Call call; call.check(halogen_...(..., call.error()));`
class Call {
 public:
  halogen_error *error() { return &error_; }
  void check(halogen_status status) const {
    if (status != HALOGEN_OK) throw CallFailed(status, error_.message);
  }

 private:
  halogen_error error_ = HALOGEN_ERROR_INIT;
};

struct Destroy {
  void operator()(halogen_context *context) const { halogen_context_destroy(context); }
  void operator()(halogen_module *module) const { halogen_module_destroy(module); }
};
using Context = std::unique_ptr<halogen_context, Destroy>;
using Module = std::unique_ptr<halogen_module, Destroy>;

inline Context make_context(int32_t threads) {
  halogen_context_options options = {};
  options.struct_size = sizeof options;
  options.num_threads = threads;
  halogen_context *context = nullptr;
  Call call;
  call.check(halogen_context_create(HALOGEN_VERSION_NUMBER, &options, &context, call.error()));
  return Context(context);
}

}  // namespace replay
