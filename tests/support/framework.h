// Modules of any framework for tests: params with defaults, modules, misuse that all refuse, and one check of all that a
// normalisation promises.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

#include "conv_problem.h"
#include "misuse.h"
#include "module.h"
#include "norm_problem.h"
#include "variants.h"

namespace halogen_tests {

/** Of the highest level here, which has kernels for most dtypes. */
inline halogen_context *best_context() { return context_of(variants().back()); }
inline bool is_here(DLDataType dtype) { return takes(variants().back(), dtype); }

/** The framework's defaults. @param needed what has none. */
template <typename Params, typename Init, typename... Needed>
Params defaults_of(Init init, Needed... needed) {
  Params params;
  halogen_error error = HALOGEN_ERROR_INIT;
  REQUIRE_MESSAGE(init(&params, sizeof params, needed..., &error) == HALOGEN_OK, error.message);
  CHECK(params.struct_size == sizeof params);
  return params;
}

template <typename Params>
using Create = halogen_status(halogen_context *, const Params *, halogen_module **, halogen_error *);

template <typename Params>
Module made(Create<Params> *create, const Params &params) {
  halogen_module *module = nullptr;
  halogen_error error = HALOGEN_ERROR_INIT;
  REQUIRE_MESSAGE(create(best_context(), &params, &module, &error) == HALOGEN_OK, error.message);
  return Module(module);
}

/** A create that must be refused. */
template <typename Params>
void create_refused(Create<Params> *create, Params params, halogen_status status, const std::string &words,
                    const std::function<void(Params &)> &spoil) {
  spoil(params);
  halogen_module *module = nullptr;
  check_refused("create", status, {words}, {},
                [&](halogen_error *error) { return create(best_context(), &params, &module, error); });
  CHECK(module == nullptr);
}

/** What every create refuses. */
template <typename Params>
void check_create(Create<Params> *create, const Params &valid) {
  halogen_module *module = nullptr;
  check_refused("no context", HALOGEN_ERROR_NULL_POINTER, {"context"}, {},
                [&](halogen_error *error) { return create(nullptr, &valid, &module, error); });
  check_refused("no params", HALOGEN_ERROR_NULL_POINTER, {"params"}, {},
                [&](halogen_error *error) { return create(best_context(), nullptr, &module, error); });
  check_refused("no handle", HALOGEN_ERROR_NULL_POINTER, {"module"}, {},
                [&](halogen_error *error) { return create(best_context(), &valid, nullptr, error); });
  const auto refused = [&](halogen_status status, const std::string &words,
                           const std::function<void(Params &)> &spoil) {
    create_refused<Params>(create, valid, status, words, spoil);
  };
  refused(HALOGEN_ERROR_STRUCT_SIZE, std::to_string(sizeof(Params)), [](Params &p) { p.struct_size = 3; });
  refused(HALOGEN_ERROR_DTYPE, "int64", [](Params &p) { p.dtype = int64_type; });
  refused(HALOGEN_ERROR_DEVICE, "device", [](Params &p) { p.device = {kDLMetal, 0}; });
}

/** What every params_init refuses. @param init the call, with all that has no default. */
template <typename Params>
void check_init(const std::function<halogen_status(Params *, size_t, halogen_error *)> &init) {
  Params params;
  std::memset(static_cast<void *>(&params), 0x5a, sizeof params);
  const std::vector<Watched> watched{{"params", &params, sizeof params}};
  check_refused("no params", HALOGEN_ERROR_NULL_POINTER, {"params"}, {},
                [&](halogen_error *error) { return init(nullptr, sizeof(Params), error); });
  for (const size_t size : {size_t{0}, size_t{3}, ~size_t{0}}) {
    check_refused("struct_size", HALOGEN_ERROR_STRUCT_SIZE, {std::to_string(size)}, watched,
                  [&](halogen_error *error) { return init(&params, size, error); });
  }
}

/** A forward of float32 (or `dtype`) tensors of that shape must be refused in these words. */
void forward_refused(Module &module, const std::vector<int64_t> &shape, halogen_status status, const std::string &words,
                     DLDataType dtype = float32);

/** The framework's keys. */
struct NormKeys {
  const char *weight, *bias, *mean, *var;
};
inline constexpr NormKeys common_keys = {"weight", "bias", "running_mean", "running_var"};

/** Loads numbers into the module, runs forward and backward of `problem`, and says what is wrong, or "". Statistics that the problem does
 * not move must stay as they are. @param learns the parameters have gradients. */
std::string check_norm_module(Module &module, const NormProblem &problem, const NormKeys &keys, bool learns,
                              uint64_t stream);

/** Loads weights into the module, and says where forward (in training, and twice in evaluation) or backward is not the operator's,
 * bit by bit, or "". @param thin dimension of extent 1 that the module's tensors have besides; 0: none. */
std::string check_conv_module(Module &module, const ConvProblem &problem, uint64_t stream, int thin = 0);

/** halogen_module_repr(). */
std::string repr_of(const Module &module);

/** The form that the module foretells, or the message. */
std::string output_of(const Module &module, const std::vector<int64_t> &shape, DLDataType dtype = float32);

}  // namespace halogen_tests
