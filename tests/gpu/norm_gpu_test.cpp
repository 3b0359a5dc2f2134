// halogen/ops.h and halogen/torch.h on a GPU: the same promises as on the CPU, tensors on the device. Compiled once per kind of
// device.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <memory>

#include "device.h"
#include "support/coverage.h"
#include "support/misuse.h"
#include "support/module.h"
#include "support/norm_run.h"

using namespace halogen_tests;

namespace {

constexpr float canary = 1234.5f;
constexpr size_t slack = 64;

halogen_context_options device_options() {
  halogen_context_options options = HALOGEN_CONTEXT_OPTIONS_INIT;
  options.gpu_context = the_device().context();
  options.gpu_stream = the_device().stream();
  return options;
}

halogen_context *shared_context() {
  static const Context context(device_options());
  return context.get();
}

/** One tensor on the device with a canary behind it; reused, as device memory is dear. */
class Buffer {
 public:
  void put(const Values &values, size_t offset = 0) {
    std::vector<float> padded(offset, canary);
    for (const double value : values) padded.push_back(static_cast<float>(value));
    padded.resize(padded.size() + slack, canary);
    if (padded.size() > capacity_) {
      capacity_ = padded.size() * 2;
      memory_ = the_device().allocate(capacity_ * sizeof(float));
    }
    size_ = values.size();
    offset_ = offset;
    the_device().upload(memory_, padded.data(), padded.size() * sizeof(float));
  }
  Values get() const {
    std::vector<float> all(offset_ + size_ + slack);
    the_device().download(all.data(), memory_, all.size() * sizeof(float));
    for (size_t i = 0; i < all.size(); ++i) {
      if (i < offset_ || i >= offset_ + size_) REQUIRE_MESSAGE(all[i] == canary, "written beside a tensor at ", i);
    }
    return {all.begin() + static_cast<std::ptrdiff_t>(offset_),
            all.begin() + static_cast<std::ptrdiff_t>(offset_ + size_)};
  }
  void *memory() const { return memory_; }

 private:
  void *memory_ = nullptr;
  size_t capacity_ = 0, size_ = 0, offset_ = 0;
};

struct DeviceMemory {
  void put(const NormData &data, size_t offset = 0) {
    input.put(data.input, offset);
    output.put(Values(data.input.size(), canary), offset);
    weight.put(data.weight);
    bias.put(data.bias);
    mean.put(data.mean);
    var.put(data.var);
    running_mean.put(data.running_mean);
    running_var.put(data.running_var);
  }
  NormMemory memory() const {
    return {input.memory(), output.memory(), weight.memory(),       bias.memory(),
            mean.memory(),  var.memory(),    running_mean.memory(), running_var.memory()};
  }
  Buffer input, output, weight, bias, mean, var, running_mean, running_var;
};

DeviceMemory &device_memory() {
  static DeviceMemory memory;
  return memory;
}

/** run_norm() on the device. */
NormResult run_on_device(halogen_context *context, const NormProblem &problem, const NormData &data,
                         bool in_place = false, void *stream = nullptr) {
  DeviceMemory &device = device_memory();
  device.put(data);
  NormMemory memory = device.memory();
  if (in_place) memory.output = memory.input;
  NormCall call(problem, memory, HALOGEN_NORM_PATH_AUTO, the_device().device());
  call.args.stream = stream;
  NormResult result;
  result.status = call.run(context);
  result.message = call.error.message;
  result.ran = call.ran;
  result.output = (in_place ? device.input : device.output).get();
  result.running_mean = device.running_mean.get();
  result.running_var = device.running_var.get();
  return result;
}

/** Own statistics are by blocks, merged, applied; where statistics are per channel, short rows go across channels. */
std::string meant_kernels(const NormProblem &problem) {
  const bool per_channel = problem.given || problem.scope == HALOGEN_NORM_SCOPE_BATCH;
  const std::string path = per_channel && problem.s() < 32 ? "slab" : "cs_row";
  std::string names = problem.given ? "" : "norm_partial_f32_" + path + " norm_merge_f32 ";
  names += "norm_apply_f32_" + path;
  return problem.running == Running::none ? names : names + " norm_running_f32";
}

std::string joined_names(const halogen_kernel_info &info) {
  std::string all;
  for (const std::string &name : kernel_names(info)) all += (all.empty() ? "" : " ") + name;
  return all;
}

void check(const NormProblem &problem, const NormData &data) {
  const NormReference expected = reference(problem, data);
  for (const bool in_place : {false, true}) {
    const NormResult result = run_on_device(shared_context(), problem, data, in_place);
    const std::string wrong = verify(problem, expected, result, HALOGEN_NORM_PATH_AUTO, the_device().variant());
    CHECK(joined_names(result.ran) == meant_kernels(problem));
    CHECK_MESSAGE(wrong.empty(), std::string(in_place ? "in place, " : ""), wrong);
  }
}

std::vector<NormProblem> scopes(std::vector<int64_t> shape) {
  std::vector<NormProblem> all;
  NormProblem problem;
  problem.shape = std::move(shape);
  for (halogen_norm_scope scope : {HALOGEN_NORM_SCOPE_BATCH, HALOGEN_NORM_SCOPE_INSTANCE, HALOGEN_NORM_SCOPE_GROUP}) {
    problem.scope = scope;
    problem.num_groups = scope == HALOGEN_NORM_SCOPE_GROUP ? (problem.c() % 2 ? 1 : 2) : 0;
    all.push_back(problem);
  }
  problem.scope = HALOGEN_NORM_SCOPE_BATCH;
  problem.num_groups = 0;
  problem.given = true;
  all.push_back(problem);
  return all;
}

}  // namespace

TEST_CASE("gpu: all scopes, own and given statistics, agree with the reference") {
  uint64_t stream = 0;
  for (int64_t s : {1, 2, 5, 15, 16, 17, 31, 33, 64, 65, 127, 257}) {
    for (int64_t c : {1, 3, 16}) {
      for (int64_t n : {1, 3}) {
        for (NormProblem problem : scopes(shape_of(n, c, s, stream))) {
          problem.weight = stream & 1;
          problem.bias = stream & 2;
          const bool may_run = !problem.given && problem.scope != HALOGEN_NORM_SCOPE_GROUP;
          problem.running = may_run ? static_cast<Running>(stream % 3) : Running::none;
          check(problem, ordinary_data(problem, stream++));
        }
      }
    }
  }
}

TEST_CASE("gpu: every option") {
  for (NormProblem problem : scopes({3, 8, 5, 7})) {
    for (int option = 0; option < 12; ++option) {
      problem.weight = option & 1;
      problem.bias = option & 2;
      problem.running = static_cast<Running>(option / 4);
      if ((problem.given || problem.scope == HALOGEN_NORM_SCOPE_GROUP) && problem.running != Running::none) continue;
      check(problem, ordinary_data(problem, 100));
    }
  }
}

TEST_CASE("gpu: more than one block") {
  for (const std::vector<int64_t> &shape : std::vector<std::vector<int64_t>>{
           {1, 2, 4096}, {1, 2, 4097}, {2, 3, 9001}, {4099, 2}, {1371, 2, 3}, {2, 3, 91, 97}, {2, 70, 33}}) {
    for (const NormProblem &problem : scopes(shape)) check(problem, ordinary_data(problem, 200));
  }
}

TEST_CASE("gpu: large mean, constants, NaN") {
  for (NormProblem problem : scopes({3, 4, 9, 11})) {
    NormData data = ordinary_data(problem, 300);
    if (!problem.given) {
      for (double &x : data.input) x = 1e4 + 0.01 * x;
      round_to_types(problem, data);
      check(problem, data);
      data.input.assign(data.input.size(), rounded(12.34, float32));
      const NormResult constant = run_on_device(shared_context(), problem, data);
      REQUIRE(constant.status == HALOGEN_OK);
      for (size_t i = 0; i < constant.output.size(); ++i) REQUIRE(constant.output[i] == data.bias[i / 99 % 4]);
    }
    data = ordinary_data(problem, 301);
    data.input[99 + 5] = std::nan("");  // sample 0, channel 1
    data.input[99 + 7] = std::numeric_limits<double>::infinity();
    check(problem, data);
  }
}

TEST_CASE("gpu: empty tensors") {
  NormProblem problem;
  problem.shape = {0, 4, 3, 3};
  NormData data = ordinary_data(problem, 1);
  const NormResult result = run_on_device(shared_context(), problem, data);
  CHECK_MESSAGE(result.status == HALOGEN_OK, result.message);
  CHECK(std::string(result.ran.kernels).empty());
}

TEST_CASE("gpu: the call's own stream, other contexts, and again after all that") {
  NormProblem problem;
  problem.shape = {3, 8, 20, 20};
  problem.running = Running::unbiased;
  const NormData data = ordinary_data(problem, 400);
  const NormReference expected = reference(problem, data);
  void *second = the_device().second_stream();
  for (int round = 0; round < 3; ++round) {
    const Context other(device_options());
    for (halogen_context *context : {shared_context(), other.get()}) {
      for (void *stream : {static_cast<void *>(nullptr), second}) {
        const NormResult result = run_on_device(context, problem, data, false, stream);
        const std::string wrong = verify(problem, expected, result, HALOGEN_NORM_PATH_AUTO, the_device().variant());
        CHECK_MESSAGE(wrong.empty(), wrong);
      }
    }
  }
}

TEST_CASE("gpu: byte_offset is heeded, or refused, never ignored") {
  NormProblem problem;
  problem.shape = {2, 4, 5, 5};
  const NormData data = ordinary_data(problem, 500);
  const NormReference expected = reference(problem, data);
  DeviceMemory &device = device_memory();
  // OpenCL begins a part of a buffer only at a multiple of what its device says.
  for (const size_t offset : {size_t{256}, size_t{1}}) {
    device.put(data, offset);
    NormCall call(problem, device.memory(), HALOGEN_NORM_PATH_AUTO, the_device().device());
    call.input.dl.byte_offset = call.output.dl.byte_offset = offset * sizeof(float);
    const halogen_status status = call.run(shared_context());
    const Values output = device.output.get();
    if (status == HALOGEN_OK) {
      const std::string wrong = compare("output", output, expected.output, expected.tolerance);
      CHECK_MESSAGE(wrong.empty(), wrong);
    } else {
      CHECK_MESSAGE(status == HALOGEN_ERROR_LAYOUT, halogen_status_name(status), ": ", call.error.message);
      CHECK(output == Values(output.size(), canary));
    }
  }
}

TEST_CASE("gpu: kernels can be loaded ahead, and a query names them") {
  const Context context(device_options());
  halogen_error error = HALOGEN_ERROR_INIT;
  CHECK_MESSAGE(halogen_prepare(context.get(), &error) == HALOGEN_OK, error.message);
  CHECK(halogen_prepare(context.get(), &error) == HALOGEN_OK);
  NormProblem problem;
  problem.shape = {2, 4, 5, 5};
  NormCall call(problem, {}, HALOGEN_NORM_PATH_AUTO, the_device().device());
  halogen_kernel_info info = HALOGEN_KERNEL_INFO_INIT;
  REQUIRE(halogen_norm_query(context.get(), &call.args, &info, &error) == HALOGEN_OK);
  CHECK(std::string(info.isa) == the_device().variant());
  const NormResult result = run_on_device(context.get(), problem, ordinary_data(problem, 1));
  REQUIRE(result.status == HALOGEN_OK);
  CHECK(std::string(info.kernels) == result.ran.kernels);
  CHECK(info.workspace_bytes == result.ran.workspace_bytes);
}

TEST_CASE("gpu: misuse") {
  NormProblem problem;
  problem.shape = {2, 4, 5, 5};
  NormData data = ordinary_data(problem, 600);
  const auto refused = [&](const char *what, halogen_status status, const std::vector<std::string> &words,
                           const std::function<void(NormCall &)> &spoil) {
    DeviceMemory &device = device_memory();
    device.put(data);
    NormCall call(problem, device.memory(), HALOGEN_NORM_PATH_AUTO, the_device().device());
    spoil(call);
    check_refused(what, status, words, {},
                  [&](halogen_error *error) { return halogen_norm_forward(shared_context(), &call.args, error); });
    CHECK(device.output.get() == Values(data.input.size(), canary));
  };
  refused("weight on the CPU", HALOGEN_ERROR_DEVICE, {"weight"}, [&](NormCall &c) {
    c.weight.dl.device = cpu;
    c.weight.dl.data = data.weight.data();
  });
  refused("output on the CPU", HALOGEN_ERROR_DEVICE, {"output"}, [](NormCall &c) { c.output.dl.device = cpu; });
  refused("bias on another device", HALOGEN_ERROR_DEVICE, {"bias"},
          [](NormCall &c) { c.bias.dl.device.device_id = 7; });
  refused("no data", HALOGEN_ERROR_NULL_POINTER, {"input"}, [](NormCall &c) { c.input.dl.data = nullptr; });
  refused("row path", HALOGEN_ERROR_UNSUPPORTED, {"GPU"}, [](NormCall &c) { c.args.path = HALOGEN_NORM_PATH_ROW; });
  refused("slab path", HALOGEN_ERROR_UNSUPPORTED, {"GPU"}, [](NormCall &c) { c.args.path = HALOGEN_NORM_PATH_SLAB; });
}

TEST_CASE("gpu: torch.nn.BatchNorm2d with its state bound to device memory") {
  auto params = batch_norm_params(6);
  params.device = the_device().device();
  Module module(shared_context(), params);
  NormProblem problem;
  problem.shape = {3, 6, 7, 5};
  problem.running = Running::unbiased;
  NormData data = ordinary_data(problem, 700);
  DeviceMemory &device = device_memory();
  device.put(data);
  const std::pair<const char *, Buffer *> entries[] = {{"weight", &device.weight},
                                                       {"bias", &device.bias},
                                                       {"running_mean", &device.running_mean},
                                                       {"running_var", &device.running_var}};
  for (const auto &[key, buffer] : entries) {
    const TensorView tensor(buffer->memory(), {6}, float32, the_device().device());
    halogen_error error = HALOGEN_ERROR_INIT;
    REQUIRE_MESSAGE(halogen_module_bind_state(module.get(), key, &tensor.dl, &error) == HALOGEN_OK, error.message);
  }
  for (const bool training : {true, false}) {
    module.set_training(training);
    problem.running = training ? Running::unbiased : Running::none;
    problem.given = !training;
    const NormReference expected = reference(problem, data);
    const TensorView x(device.input.memory(), problem.shape, float32, the_device().device());
    const TensorView y(device.output.memory(), problem.shape, float32, the_device().device());
    halogen_error error = HALOGEN_ERROR_INIT;
    REQUIRE_MESSAGE(halogen_module_forward(module.get(), &x.dl, &y.dl, nullptr, nullptr, &error) == HALOGEN_OK,
                    error.message);
    std::string wrong = compare("output", device.output.get(), expected.output, expected.tolerance);
    data.mean = device.running_mean.get();
    data.var = device.running_var.get();
    if (training) {
      wrong += compare("running_mean", data.mean, expected.running_mean, expected.running_mean_tolerance);
      wrong += compare("running_var", data.var, expected.running_var, expected.running_var_tolerance);
    }
    CHECK_MESSAGE(wrong.empty(), wrong);
    CHECK(*module.num_batches_tracked() == 1);
  }
}
