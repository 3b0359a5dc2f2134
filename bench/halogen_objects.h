// halogen_objects.h: the C API's objects as the benchmarks need them.
#pragma once

#include <halogen/module.h>
#include <halogen/ops.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace halogen_bench {

struct Destroy {
  void operator()(halogen_context *context) const { halogen_context_destroy(context); }
  void operator()(halogen_module *module) const { halogen_module_destroy(module); }
};
using Context = std::unique_ptr<halogen_context, Destroy>;
using Module = std::unique_ptr<halogen_module, Destroy>;

inline void check(halogen_status status, const halogen_error &error) {
  if (status != HALOGEN_OK) throw std::runtime_error(std::string(halogen_status_name(status)) + ": " + error.message);
}

inline Context make_context(int threads, halogen_isa isa) {
  halogen_context_options options = {};
  options.struct_size = sizeof options;
  options.num_threads = threads;
  options.isa = isa;
  halogen_context *context = nullptr;
  halogen_error error = HALOGEN_ERROR_INIT;
  check(halogen_context_create(HALOGEN_VERSION_NUMBER, &options, &context, &error), error);
  return Context(context);
}

}  // namespace halogen_bench
