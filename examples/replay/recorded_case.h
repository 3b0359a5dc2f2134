// recorded_case.h: replays one recorded case: builds the module the file names, loads its state, runs forward for every step
// that was recorded and compares output, running statistics and counter.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "case_module.h"
#include "compare.h"
#include "conv_scales.h"
#include "gradients.h"
#include "outcome.h"
#include "safetensors.h"
#include "splitmix.h"

namespace replay {

class RecordedCase {
 public:
  RecordedCase(halogen_context *context, const Safetensors &file) : context_(context), file_(file), module_(file) {}

  /// Why this library cannot run the case, or "".
  std::string unsupported() const {
    const std::string module = file_.meta("module");
    if (find_adapter(module) == nullptr) return "no such module here yet: " + module;
    const std::string layout = file_.meta("memory_format");
    if (!layout.empty() && layout != "contiguous" && layout != "channels_last") return "layout " + layout;
    if (file_.meta("mode") == "init") return "";
    if (file_.find("input") == nullptr && !is_splitmix(file_)) return "the input is stored in a form not known here";
    return "";
  }

  void run(Outcome &outcome) {
    const Adapter &adapter = *find_adapter(file_.meta("module"));
    const std::string mode = file_.meta("mode");
    const Json params = JsonParser(file_.meta("params")).parse();
    const Recipe recipe = {params, module_.parameter_type().dlpack, file_.meta("framework_version")};
    module_.create(context_, adapter, recipe);
    operands_.weight = module_.state_or_empty("weight");
    operands_.bias = module_.state_or_empty("bias");
    // An initialisation is a state to load, and nothing more.
    if (mode == "init") return;
    if (mode != "train" && mode != "eval") throw std::runtime_error("metadata \"mode\" is neither train nor eval");
    Call call;
    call.check(halogen_module_set_training(module_.get(), mode == "train" ? 1 : 0, call.error()));

    Comparison result;
    for (int step = 1; step == 1 || file_.find("input" + suffix(step)) != nullptr; ++step) {
      read_input(step);
      operands_.running_mean = module_.state_or_empty("running_mean");
      operands_.running_var = module_.state_or_empty("running_var");
      output_ = output_for_input();
      forward();
      if (module_.adapter().normalises()) {
        const NormRule rule = adapter.rule(recipe, mode == "train", module_.batches());
        const NormScales scales = norm_scales(rule, operands_);
        compare_step(scales, suffix(step), result);
        compare_gradients(rule, scales.var_overflows, suffix(step), result);
      } else {
        const ConvRule rule = adapter.conv_rule(recipe);
        const ConvOperands operands = {operands_.x, operands_.weight, operands_.bias, signal_shape_,
                                       module_.weight_shape()};
        compare_step(conv_scales(rule, operands), suffix(step), result);
        compare_conv_gradients(rule, operands, suffix(step), result);
      }
    }
    outcome.vs_framework = result.vs_framework;
    outcome.vs_f64 = result.vs_f64;
    outcome.details = result.details;
    outcome.kernels = ran_.kernels;
    if (!result.ok()) {
      outcome.status = Status::kFailed;
      outcome.reason = result.failures.front();
      outcome.details.insert(outcome.details.end(), result.failures.begin() + 1, result.failures.end());
    }
    outcome.microseconds = time_forward();
  }

 private:
  static std::string suffix(int step) { return step == 1 ? "" : "_" + std::to_string(step); }

  void read_input(int step) {
    const Tensor *input = file_.find("input" + suffix(step));
    const bool last = file_.meta("memory_format") == "channels_last";
    input_ = input == nullptr ? splitmix_values(file_, "input_seed")
                              : Array(number_type(input->dtype), input->shape, last, input->data);
    operands_.x = input_.values();
    signal_shape_ = input_.shape();
    make_thin(input_);
    const std::vector<int64_t> &shape = signal_shape_;
    const bool batched = file_.meta("unbatched") != "true";
    if (shape.size() < (batched ? 2 : 1)) throw std::runtime_error("the input has too few dimensions");
    operands_.n = batched ? shape[0] : 1;
    operands_.c = shape[batched ? 1 : 0];
    operands_.s = 1;
    for (size_t i = batched ? 2 : 1; i < shape.size(); ++i) operands_.s *= shape[i];
    for (const auto *v : {&operands_.weight, &operands_.bias}) {
      if (module_.adapter().normalises() && !v->empty() && static_cast<int64_t>(v->size()) != operands_.c) {
        throw std::runtime_error("the input's channels are not num_features");
      }
    }
  }

  /// MegEngine's convolution has a height and a width, of which one is 1.
  void make_thin(Array &array) const {
    const std::string along = file_.meta("along");
    if (!along.empty()) array.add_dimension(along == "h" ? 3 : 2);
  }

  /// With the form that the module foretells, in the input's memory layout.
  Array output_for_input() {
    const DLTensor input = input_.view();
    int64_t extents[8];
    int32_t rank = 0;
    DLDataType dtype = {};
    Call call;
    call.check(halogen_module_output(module_.get(), &input, extents, &rank, &dtype, call.error()));
    if (module_.adapter().normalises()) return input_;
    const std::vector<int64_t> shape(extents, extents + rank);
    const NumberType &type = number_type(dtype);
    const std::vector<unsigned char> bytes(static_cast<size_t>(product(shape)) * type.bytes());
    return Array(type, shape, false, bytes.data());
  }

  void forward() {
    output_.spoil();
    call_forward();
    result_ = output_.values();
  }

  void call_forward() {
    const DLTensor x = input_.view(), y = output_.view();
    ran_ = {};
    ran_.struct_size = sizeof ran_;
    Call call;
    call.check(halogen_module_forward(module_.get(), &x, &y, nullptr, &ran_, call.error()));
  }

  double time_forward() {
    constexpr int kRepetitions = 5;
    double best = std::numeric_limits<double>::infinity();
    for (int i = 0; i < kRepetitions; ++i) {
      const auto begin = std::chrono::steady_clock::now();
      call_forward();
      const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
      best = std::min(best, took.count());
    }
    return best;
  }

  Expected expected(const std::string &name) const {
    Expected want;
    if (const Tensor *tensor = file_.find(name); tensor != nullptr) want.framework = numbers_of(*tensor);
    if (const Tensor *tensor = file_.find(name + "_f64"); tensor != nullptr) want.f64 = numbers_of(*tensor);
    return want;
  }

  /// Where float32 overflows, a variance is infinite: every value is the mean's, but where the framework lost itself in NaN.
  Expected expected_of_overflow(const std::string &name) const {
    Expected want = expected(name);
    const bool lost = !want.framework.empty() && std::all_of(want.framework.begin(), want.framework.end(),
                                                             [](double value) { return std::isnan(value); });
    if (!lost || name.find("grad_bias") == 0) return want;
    for (size_t i = 0; i < want.framework.size(); ++i) {
      const size_t channel = i / static_cast<size_t>(operands_.s) % static_cast<size_t>(operands_.c);
      const bool output = name.find("output") == 0 && !operands_.bias.empty();
      want.framework[i] = output ? operands_.bias[channel] : 0;
    }
    return want;
  }

  bool was_recorded(const std::string &name) const {
    return file_.find(name) != nullptr || file_.find(name + "_f64") != nullptr;
  }

  void compare_output(const std::string &name, const Numbers &got, const NormScales &scales, Comparison &result) {
    const Expected want = scales.var_overflows ? expected_of_overflow(name) : expected(name);
    const double to_framework =
        compare(name, input_.type(), got, want, tolerance_of(input_.type(), want) * scales.output, scales.var_overflows,
                result);
    if (!want.framework.empty()) result.vs_framework = std::max(result.vs_framework.value_or(0), to_framework);
  }

  void compare_step(const NormScales &scales, const std::string &suffix, Comparison &result) {
    if (was_recorded("output" + suffix)) {
      compare_output("output" + suffix, result_, scales, result);
    } else if (file_.find("output_sample") != nullptr) {
      compare_sampled(scales, result);
    } else {
      throw std::runtime_error("no output was recorded to compare with");
    }
    const std::pair<const char *, double> statistics[] = {{"running_mean", scales.running_mean},
                                                          {"running_var", scales.running_var}};
    for (const auto &[key, scale] : statistics) {
      const std::string name = std::string(key) + "_after" + suffix;
      if (was_recorded(name)) {
        const Expected want = expected(name);
        compare(name, module_.parameter_type(), module_.state_or_empty(key), want,
                tolerance_of(module_.parameter_type(), want) * scale, scales.var_overflows, result);
      }
    }
    compare_counter(suffix, result);
  }

  /// Recorded after each step, or once after the last.
  void compare_counter(const std::string &suffix, Comparison &result) {
    const Tensor *want = file_.find("num_batches_tracked_after" + suffix);
    const bool more = suffix.empty() && file_.find("input_2") != nullptr;
    const bool each = file_.find("num_batches_tracked_after_2") != nullptr;
    if (!each) want = more ? nullptr : file_.find("num_batches_tracked_after");
    if (want == nullptr || want->dtype != "I64" || want->size() != 1) return;
    const int64_t count = want->values<int64_t>().front();
    if (count == module_.batches()) return;
    result.failures.push_back("num_batches_tracked_after" + suffix + " is " + std::to_string(module_.batches()) +
                              ", not " + std::to_string(count));
  }

  /// Of the adversarial cases frameworks give only what their float32 leaves.
  bool is_ordinary() const {
    const std::string kind = file_.meta("data_kind");
    return kind.empty() || kind == "normal" || kind == "splitmix";
  }

  void compare_gradient(const std::string &name, const Array &got, double scale, double count, bool overflows,
                        Comparison &result) {
    const Expected want = overflows ? expected_of_overflow(name) : expected(name);
    if (want.framework.empty() && want.f64.empty()) return;
    const bool wide = got.type().bytes() == 8;
    // Of two values x - mean is a difference of what is nearly the same.
    double tolerance = (wide ? 1e-14 : count == 2 ? 5e-6 : 1e-6) * scale;
    if (!is_ordinary() && !want.f64.empty()) {
      for (size_t i = 0; i < want.framework.size(); ++i) {
        raise(tolerance, 4 * std::fabs(want.framework[i] - want.f64[i]));
      }
    }
    Numbers values = got.values();
    if (name.find("_sample") != std::string::npos) values = sample_of(values);
    compare(name, got.type(), values, want, tolerance, overflows, result);
  }

  void compare_gradients(const NormRule &rule, bool overflows, const std::string &suffix, Comparison &result) {
    const Tensor *recorded = file_.find("grad_output" + suffix);
    if (recorded == nullptr && file_.meta("grad_output_seed").empty()) return;
    const bool last = file_.meta("memory_format") == "channels_last";
    const Array grad_output = recorded == nullptr
                                  ? splitmix_values(file_, "grad_output_seed")
                                  : Array(number_type(recorded->dtype), recorded->shape, last, recorded->data);
    const Gradients gradients =
        gradients_of(module_.get(), input_, grad_output, asked("grad_weight" + suffix, "weight"),
                     asked("grad_bias" + suffix, "bias"));
    const GradientScales scales = gradient_scales(rule, operands_, grad_output.values());
    for (const char *name : {"grad_input", "grad_input_sample"}) {
      compare_gradient(name + suffix, gradients.input, scales.input, scales.count, overflows, result);
    }
    if (!was_recorded("grad_weight" + suffix)) return;
    compare_gradient("grad_weight" + suffix, gradients.weight, scales.weight, scales.count, overflows, result);
    compare_gradient("grad_bias" + suffix, gradients.bias, scales.bias, scales.count, overflows, result);
  }

  /// The parameter whose gradient was recorded, or nullptr.
  const DLTensor *asked(const std::string &gradient, const char *name) const {
    return was_recorded(gradient) ? module_.state(name) : nullptr;
  }

  void compare_conv_gradients(const ConvRule &rule, const ConvOperands &operands, const std::string &suffix,
                              Comparison &result) {
    const Tensor *recorded = file_.find("grad_output" + suffix);
    if (recorded == nullptr) return;
    Array grad_output(number_type(recorded->dtype), recorded->shape, false, recorded->data);
    const GradientScales scales = conv_gradient_scales(rule, operands, grad_output.values(), recorded->shape);
    make_thin(grad_output);
    const Gradients gradients =
        gradients_of(module_.get(), input_, grad_output, asked("grad_weight" + suffix, "weight"),
                     asked("grad_bias" + suffix, "bias"));
    compare_gradient("grad_input" + suffix, gradients.input, scales.input, 0, false, result);
    compare_gradient("grad_weight" + suffix, gradients.weight, scales.weight, 0, false, result);
    if (!was_recorded("grad_bias" + suffix)) return;
    compare_gradient("grad_bias" + suffix, gradients.bias, scales.bias, 0, false, result);
  }

  Numbers sample_of(const Numbers &values) const {
    const Tensor *index = file_.find("sample_index");
    if (index == nullptr || index->dtype != "I64") throw std::runtime_error("no sample_index beside a sample");
    Numbers sample;
    for (int64_t i : index->values<int64_t>()) {
      if (i < 0 || static_cast<size_t>(i) >= values.size()) throw std::runtime_error("sample_index is out of range");
      sample.push_back(values[static_cast<size_t>(i)]);
    }
    return sample;
  }

  /// Large outputs are recorded as a sample and, so that no value goes unseen, as sums over each channel.
  void compare_sampled(const NormScales &scales, Comparison &result) {
    compare_output("output_sample", sample_of(result_), scales, result);
    compare_channel_sums(scales.output * kTolerance, result);
  }

  void compare_channel_sums(double tolerance, Comparison &result) {
    const Tensor *sums = file_.find("output_channel_sum");
    const Tensor *squares = file_.find("output_channel_sumsq");
    if (sums == nullptr || squares == nullptr) return;
    const std::vector<double> want_sums = sums->values<double>();
    const std::vector<double> want_squares = squares->values<double>();
    if (want_sums.size() != static_cast<size_t>(operands_.c) || want_squares.size() != want_sums.size()) {
      throw std::runtime_error("output_channel_sum does not have one value per channel");
    }
    const double count = static_cast<double>(operands_.n * operands_.s);
    for (int64_t c = 0; c < operands_.c; ++c) {
      double sum = 0, square = 0, abs = 0;
      for (int64_t n = 0; n < operands_.n; ++n) {
        const double *row = result_.data() + (n * operands_.c + c) * operands_.s;
        for (int64_t i = 0; i < operands_.s; ++i) {
          const double y = row[i];
          sum += y;
          square += y * y;
          abs += std::fabs(y);
        }
      }
      const auto channel = static_cast<size_t>(c);
      // If every |y - t| <= tolerance, then |sum y - sum t| and |sum y^2 - sum t^2| cannot be more than this.
      const double sum_bound = count * tolerance;
      const double square_bound = tolerance * (2 * abs + count * tolerance);
      if (!(std::fabs(sum - want_sums[channel]) <= sum_bound) ||
          !(std::fabs(square - want_squares[channel]) <= square_bound)) {
        result.failures.push_back("channel " + std::to_string(c) +
                                  format(": the outputs' sum is off by %.2e, that of their squares by %.2e",
                                         sum - want_sums[channel], square - want_squares[channel]));
        return;
      }
    }
    result.details.push_back("output_channel_sum, output_channel_sumsq: within tolerance");
  }

  halogen_context *context_;
  const Safetensors &file_;
  CaseModule module_;
  std::vector<int64_t> signal_shape_;  // of the input, as the file has it
  Array input_, output_;
  NormOperands operands_;
  Numbers result_;  // output_, in C order
  halogen_kernel_info ran_ = {};
};

inline Outcome replay_file(halogen_context *context, const std::string &name, const Safetensors &file) {
  Outcome outcome;
  outcome.name = name;
  RecordedCase recorded(context, file);
  const std::string reason = recorded.unsupported();
  if (!reason.empty()) return skipped(name, reason);
  recorded.run(outcome);
  return outcome;
}

}  // namespace replay
