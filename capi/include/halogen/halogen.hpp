/* halogen/halogen.hpp: the C ABI for C++17: handles that free themselves, tensors over the caller's memory, errors as values. Header-only.
 *
 * Every call returns an Error or a Result: test it, or, where exceptions are enabled, let check() and value() throw a
 * halogen::Exception. The header compiles with -fno-exceptions, too; those two are not there then.
 *
 *   halogen::Context context = halogen::Context::create().value();
 *   auto params = halogen::params<halogen_torch_batch_norm_params>(halogen_torch_batch_norm_params_init, 64).value();
 *   auto layer = halogen::Module::create(context, halogen_torch_batch_norm2d_create, params).value();
 *   layer.forward(halogen::Tensor(x, {8, 64, 32, 32}), halogen::Tensor(y, {8, 64, 32, 32})).check();
 *
 * Threads, lifetimes and aliasing are those of the C functions: a context outlives its modules, a tensor's memory the tensor.
 */
#ifndef HALOGEN_HALOGEN_HPP
#define HALOGEN_HALOGEN_HPP

#include <halogen/init.h>
#include <halogen/migrate.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#if defined(__cpp_exceptions)
#include <stdexcept>
#endif

namespace halogen {

#if defined(__cpp_exceptions)
/** What check() and value() throw. */
class Exception : public std::runtime_error {
 public:
  Exception(halogen_status status, const char *message) : std::runtime_error(message), status_(status) {}
  halogen_status status() const { return status_; }

 private:
  halogen_status status_;
};
#endif

/** What a call came to. True: it failed. */
class [[nodiscard]] Error {
 public:
  Error() = default;
  explicit operator bool() const { return error_.status != HALOGEN_OK; }
  halogen_status status() const { return error_.status; }
  /** Empty where nothing failed. */
  const char *message() const { return error_.message; }
#if defined(__cpp_exceptions)
  void check() const {
    if (*this) throw Exception(status(), message());
  }
#endif

  /** Makes a C call, which is given the place for its message. */
  template <class Call>
  static Error of(const Call &call) {
    Error made;
    made.error_.status = call(&made.error_);
    return made;
  }

 private:
  halogen_error error_ = HALOGEN_ERROR_INIT;
};

/** A value, or why there is none. */
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}
  Result(Error error) : error_(std::move(error)) {}
  explicit operator bool() const { return value_.has_value(); }
  const Error &error() const { return error_; }
  /** Only where there is one. */
  T &operator*() { return *value_; }
  T *operator->() { return &*value_; }
#if defined(__cpp_exceptions)
  T value() && {
    error_.check();
    return std::move(*value_);
  }
#endif

 private:
  std::optional<T> value_;
  Error error_;
};

/** The DLPack type of a C++ one. 16-bit types have none: give it to Tensor by name. */
template <class T>
struct DtypeOf;
template <>
struct DtypeOf<float> {
  static constexpr DLDataType value = {kDLFloat, 32, 1};
};
template <>
struct DtypeOf<double> {
  static constexpr DLDataType value = {kDLFloat, 64, 1};
};
template <>
struct DtypeOf<int64_t> {
  static constexpr DLDataType value = {kDLInt, 64, 1};
};
inline constexpr DLDataType kFloat16 = {kDLFloat, 16, 1}, kBfloat16 = {kDLBfloat, 16, 1};

/** A view of the caller's memory. */
class Tensor {
 public:
  template <class T>
  Tensor(T *data, std::vector<int64_t> shape) : Tensor(data, std::move(shape), DtypeOf<T>::value) {}
  /** @param strides in elements; empty: row-major without gaps. */
  Tensor(void *data, std::vector<int64_t> shape, DLDataType dtype, std::vector<int64_t> strides = {},
         DLDevice device = {kDLCPU, 0})
      : shape_(std::move(shape)), strides_(std::move(strides)) {
    tensor_.data = data;
    tensor_.device = device;
    tensor_.dtype = dtype;
    point();
  }
  Tensor(const Tensor &other) : tensor_(other.tensor_), shape_(other.shape_), strides_(other.strides_) { point(); }
  Tensor &operator=(const Tensor &other) {
    tensor_ = other.tensor_;
    shape_ = other.shape_;
    strides_ = other.strides_;
    point();
    return *this;
  }
  const DLTensor *get() const { return &tensor_; }
  const std::vector<int64_t> &shape() const { return shape_; }

 private:
  void point() {
    tensor_.ndim = static_cast<int32_t>(shape_.size());
    tensor_.shape = shape_.data();
    tensor_.strides = strides_.empty() ? nullptr : strides_.data();
  }
  DLTensor tensor_ = {};
  std::vector<int64_t> shape_, strides_;
};

/** Owns a C handle; moves, never copies. */
template <class Handle, void (*destroy)(Handle *)>
class Owner {
 public:
  explicit Owner(Handle *handle) : handle_(handle) {}
  Owner(Owner &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Owner &operator=(Owner &&other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  Owner(const Owner &) = delete;
  Owner &operator=(const Owner &) = delete;
  ~Owner() { destroy(handle_); }
  Handle *get() const { return handle_; }

 private:
  Handle *handle_;
};

class Context : public Owner<halogen_context, halogen_context_destroy> {
 public:
  static Result<Context> create() { return create(HALOGEN_CONTEXT_OPTIONS_INIT); }
  static Result<Context> create(const halogen_context_options &options) {
    halogen_context *made = nullptr;
    Error error = Error::of(
        [&](halogen_error *e) { return halogen_context_create(HALOGEN_VERSION_NUMBER, &options, &made, e); });
    if (error) return error;
    return Context(made);
  }

 private:
  using Owner::Owner;
};

/** A framework's defaults: `init` is the struct's params_init function, `arguments` what has no default. */
template <class Params, class Init, class... Arguments>
Result<Params> params(Init *init, Arguments... arguments) {
  Params made;
  Error error = Error::of([&](halogen_error *e) { return init(&made, sizeof(Params), arguments..., e); });
  if (error) return error;
  return made;
}

class Module : public Owner<halogen_module, halogen_module_destroy> {
 public:
  /** @param function the create function of the class. */
  template <class Params>
  static Result<Module> create(const Context &context,
                               halogen_status (*function)(halogen_context *, const Params *, halogen_module **,
                                                          halogen_error *),
                               const Params &params) {
    return made_by([&](halogen_module **made, halogen_error *e) { return function(context.get(), &params, made, e); });
  }
  Result<Module> clone() const {
    return made_by([&](halogen_module **made, halogen_error *e) { return halogen_module_clone(get(), made, e); });
  }

  Error set_training(bool training) {
    return Error::of([&](halogen_error *e) { return halogen_module_set_training(get(), training, e); });
  }
  Error forward(const Tensor &input, const Tensor &output, void *stream = nullptr) {
    return Error::of([&](halogen_error *e) {
      return halogen_module_forward(get(), input.get(), output.get(), stream, nullptr, e);
    });
  }
  Error reset_parameters(uint64_t seed, uint64_t stream = 0) {
    return Error::of([&](halogen_error *e) { return halogen_module_reset_parameters(get(), seed, stream, e); });
  }
  Error load_state(const char *key, const Tensor &tensor) {
    return Error::of([&](halogen_error *e) { return halogen_module_load_state(get(), key, tensor.get(), e); });
  }

  /** Shape of the output for such an input. */
  Result<std::vector<int64_t>> output_shape(const Tensor &input) const {
    int64_t extents[8];
    int32_t count = 0;
    Error error = Error::of([&](halogen_error *e) {
      return halogen_module_output(get(), input.get(), extents, &count, nullptr, e);
    });
    if (error) return error;
    return std::vector<int64_t>(extents, extents + count);
  }
  std::vector<std::string> keys() const {
    std::vector<std::string> keys;
    for (size_t i = 0; i < halogen_module_state_count(get()); ++i) keys.emplace_back(halogen_module_state_key(get(), i));
    return keys;
  }
  /** The module's own tensor: reading and writing through it is reading and writing the state. */
  Result<const DLTensor *> state(const char *key) const {
    const DLTensor *tensor = nullptr;
    Error error = Error::of([&](halogen_error *e) { return halogen_module_state(get(), key, &tensor, e); });
    if (error) return error;
    return tensor;
  }
  /** What the framework prints for the module. */
  std::string repr() const {
    size_t length = 0;
    halogen_module_repr(get(), nullptr, 0, &length, nullptr);
    std::string text(length + 1, '\0');
    halogen_module_repr(get(), text.data(), text.size(), nullptr, nullptr);
    text.resize(length);
    return text;
  }

 private:
  using Owner::Owner;
  template <class Make>
  static Result<Module> made_by(const Make &make) {
    halogen_module *made = nullptr;
    Error error = Error::of([&](halogen_error *e) { return make(&made, e); });
    if (error) return error;
    return Module(made);
  }
};

}  // namespace halogen
#endif
