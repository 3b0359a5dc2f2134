// halogen_norm_forward() and halogen_norm_query(): tensors that no call may be made with.
#include <doctest/doctest.h>

#include <limits>

#include "support/norm_misuse.h"

using namespace halogen_tests;

TEST_SUITE("errors") {
  TEST_CASE("norm: rank") {
    refused("rank 1", HALOGEN_ERROR_RANK, {"input", "1"}, [](NormCall &c) {
      c.input.set_shape({240});
      c.output.set_shape({240});
    });
    refused("rank 0", HALOGEN_ERROR_RANK, {"input", "0"}, [](NormCall &c) { c.input.dl.ndim = 0; });
    refused("rank -1", HALOGEN_ERROR_RANK, {"input", "-1"}, [](NormCall &c) { c.input.dl.ndim = -1; });
    refused("rank 9", HALOGEN_ERROR_RANK, {"input", "9"}, [](NormCall &c) {
      c.input.set_shape({2, 6, 1, 1, 1, 1, 1, 4, 5});
      c.output.set_shape({2, 6, 1, 1, 1, 1, 1, 4, 5});
    });
    refused("output of another rank", HALOGEN_ERROR_RANK, {"output", "4", "3"}, [](NormCall &c) {
      c.output.set_shape({2, 6, 20});
    });
    for (size_t i = 2; i < tensors().size(); ++i) {
      const auto [name, member] = tensors()[i];
      const auto tensor = member;
      refused(name + " of rank 2", HALOGEN_ERROR_RANK, {name, "1", "2"}, [=](NormCall &c) {
        (c.*tensor).set_shape({1, 6});
      });
    }
  }

  TEST_CASE("norm: shapes that disagree, are negative, or overflow") {
    refused("output of another shape", HALOGEN_ERROR_SHAPE, {"output", "(2, 6, 5, 4)", "(2, 6, 4, 5)"},
            [](NormCall &c) {
              c.output.set_shape({2, 6, 5, 4});
            });
    for (size_t i = 2; i < tensors().size(); ++i) {
      const auto [name, member] = tensors()[i];
      const auto tensor = member;
      refused(name + " of 5 values", HALOGEN_ERROR_SHAPE, {name, "6", "5"},
              [=](NormCall &c) { (c.*tensor).set_shape({5}); });
      refused(name + " of -6 values", HALOGEN_ERROR_SHAPE, {name, "-6"},
              [=](NormCall &c) { (c.*tensor).set_shape({-6}); });
    }
    for (size_t dimension = 0; dimension < 4; ++dimension) {
      refused("negative extent", HALOGEN_ERROR_SHAPE, {"input", "-3"}, [=](NormCall &c) {
        std::vector<int64_t> shape = c.input.shape();
        shape[dimension] = -3;
        c.input.set_shape(shape);
        c.output.set_shape(shape);
      });
    }
    refused("negative extents with a positive product", HALOGEN_ERROR_SHAPE, {"-4"}, [](NormCall &c) {
      c.input.set_shape({2, 6, -4, -5});
      c.output.set_shape({2, 6, -4, -5});
    });
    refused("a negative extent beside a zero", HALOGEN_ERROR_SHAPE, {"-4"}, [](NormCall &c) {
      c.input.set_shape({0, 6, -4, 5});
      c.output.set_shape({0, 6, -4, 5});
    });
    const int64_t big = int64_t{1} << 40;
    for (const std::vector<int64_t> &shape :
         std::vector<std::vector<int64_t>>{{2, 6, big, big},
                                           {big, 6, big, 1},
                                           {2, 6, std::numeric_limits<int64_t>::max(), 2},
                                           {2, 6, int64_t{1} << 61, 1}}) {
      refused("a product beyond int64", HALOGEN_ERROR_SIZE, {"input"}, [&](NormCall &c) {
        c.input.set_shape(shape);
        c.output.set_shape(shape);
      });
    }
  }

  TEST_CASE("norm: products beyond 2^31 are supported or refused, never wrapped") {
    for (const std::vector<int64_t> &shape : std::vector<std::vector<int64_t>>{
             {1 << 16, 6, 1 << 15, 1}, {1, 6, 1 << 16, 1 << 16}, {int64_t{1} << 32, 6}, {3, 6, 1, int64_t{1} << 31}}) {
      for (const NormProblem &problem : {affine_with_running(), with_given()}) {
        ValidMemory valid(problem);
        NormCall call(problem, valid.memory());
        call.input.set_shape(shape);
        call.output.set_shape(shape);
        call.input.dl.data = call.output.dl.data = nullptr;
        halogen_kernel_info info = HALOGEN_KERNEL_INFO_INIT;
        const halogen_status status = halogen_norm_query(context_of(variants()[0]), &call.args, &info, &call.error);
        CHECK_MESSAGE((status == HALOGEN_OK || status == HALOGEN_ERROR_SIZE), halogen_status_name(status), ": ",
                      call.error.message);
        CHECK(std::string(status == HALOGEN_OK ? info.kernels : call.error.message).size() > 0);
      }
    }
  }

  TEST_CASE("norm: data types") {
    for (const auto &[name, member] : tensors()) {
      const auto tensor = member;
      // Where the input has another type, it is the output that is named: it has not the input's.
      const std::string named = name == "input" ? "output" : name;
      refused(name + " of float64", HALOGEN_ERROR_DTYPE, {named, "float32", "float64"},
              [=](NormCall &c) { (c.*tensor).dl.dtype = float64; });
      refused(name + " of int32", HALOGEN_ERROR_DTYPE, {name, "float32", "int32"}, [=](NormCall &c) {
        (c.*tensor).dl.dtype = {kDLInt, 32, 1};
      });
      refused(name + " of bfloat16", HALOGEN_ERROR_DTYPE, {named, "float32", "bfloat16"}, [=](NormCall &c) {
        (c.*tensor).dl.dtype = {kDLBfloat, 16, 1};
      });
      refused(name + " of two lanes", HALOGEN_ERROR_DTYPE, {name, "float32", "2"}, [=](NormCall &c) {
        (c.*tensor).dl.dtype = {kDLFloat, 32, 2};
      });
      refused(name + " of a type there is not", HALOGEN_ERROR_DTYPE, {name, "float32"}, [=](NormCall &c) {
        (c.*tensor).dl.dtype = {99, 3, 0};
      });
    }
  }

  TEST_CASE("norm: devices") {
    for (const auto &[name, member] : tensors()) {
      const auto tensor = member;
      for (const int type : {0, int{kDLMetal}, int{kDLVulkan}, int{kDLROCM}, 99}) {
        refused(name + " on another device", HALOGEN_ERROR_DEVICE, {name},
                [=](NormCall &c) { set_raw((c.*tensor).dl.device.device_type, type); });
      }
    }
    refused("weight on a GPU, input on the CPU", HALOGEN_ERROR_DEVICE, {"weight"}, [](NormCall &c) {
      c.weight.dl.device = {kDLCUDA, 0};
    });
  }

  TEST_CASE("norm: a GPU's tensors in a library without GPU kernels") {
    if (HALOGEN_TEST_GPU_LIBRARY) return;
    for (const DLDeviceType type : {kDLCUDA, kDLOpenCL}) {
      refused("all tensors on a GPU", HALOGEN_ERROR_DEVICE, {"input"}, [=](NormCall &c) {
        for (const auto &[name, member] : tensors()) (c.*member).dl.device = {type, 0};
      });
    }
    check_refused("prepare", HALOGEN_ERROR_UNSUPPORTED, {"GPU"}, {},
                  [](halogen_error *error) { return halogen_prepare(context_of(variants()[0]), error); });
  }

  TEST_CASE("norm: strides") {
    for (TensorView NormCall::*tensor : {&NormCall::input, &NormCall::output}) {
      refused("reversed", HALOGEN_ERROR_LAYOUT, {"-1"}, [=](NormCall &c) {
        (c.*tensor).set_strides({120, 20, 5, -1});
      });
      refused("beyond int64", HALOGEN_ERROR_SIZE, {"2^63"}, [=](NormCall &c) {
        (c.*tensor).set_strides({int64_t{1} << 62, int64_t{1} << 61, 5, 1});
      });
      refused("bytes beyond int64", HALOGEN_ERROR_SIZE, {"2^63"}, [=](NormCall &c) {
        (c.*tensor).set_strides({int64_t{1} << 61, 20, 5, 1});
      });
    }
    refused("broadcast output", HALOGEN_ERROR_OVERLAP, {"output"}, [](NormCall &c) {
      c.output.set_strides({120, 20, 5, 0});
    });
    refused("output with shared elements", HALOGEN_ERROR_OVERLAP, {"output"}, [](NormCall &c) {
      c.output.set_strides({120, 20, 5, 2});
    });
    refused("output on the input with other strides", HALOGEN_ERROR_OVERLAP, {"output", "strides"}, [](NormCall &c) {
      c.output.dl.data = c.input.dl.data;
      c.output.set_strides({120, 1, 30, 6});
    });
    const auto queried = [](std::vector<int64_t> input, std::vector<int64_t> output) {
      ValidMemory valid(affine_with_running());
      NormCall call(affine_with_running(), valid.memory());
      call.input.set_strides(std::move(input));
      call.output.set_strides(std::move(output));
      call.input.dl.data = call.output.dl.data = nullptr;
      halogen_kernel_info info = HALOGEN_KERNEL_INFO_INIT;
      CHECK_MESSAGE(halogen_norm_query(context_of(variants()[0]), &call.args, &info, &call.error) == HALOGEN_OK,
                    call.error.message);
      return std::string(info.kernels);
    };
    const std::vector<int64_t> dense{120, 20, 5, 1}, last{120, 1, 30, 6}, padded{144, 24, 6, 1}, gaps{120, 20, 5, 2};
    CHECK(queried(dense, {200, 30, 5, 1}).find("copy") == std::string::npos);
    CHECK(queried(last, last).find("copy") == std::string::npos);
    CHECK(queried(last, dense).find("copy") != std::string::npos);
    CHECK(queried(padded, dense).find("copy") != std::string::npos);
    CHECK(queried(gaps, padded).find("copy") != std::string::npos);
    CHECK(queried({0, 20, 5, 1}, dense).find("copy") == std::string::npos);
    for (size_t i = 2; i < tensors().size(); ++i) {
      const auto [name, member] = tensors()[i];
      const auto tensor = member;
      refused(name + " with stride 2", HALOGEN_ERROR_LAYOUT, {name, "2"},
              [=](NormCall &c) { (c.*tensor).set_strides({2}); });
      refused(name + " with stride 0", HALOGEN_ERROR_LAYOUT, {name, "0"},
              [=](NormCall &c) { (c.*tensor).set_strides({0}); });
    }
    accepted("dense strides", [](NormCall &c) {
      c.input.set_strides(dense_strides(c.input.shape()));
      c.weight.set_strides({1});
    });
    accepted("any stride where the extent is 1", [](NormCall &c) {
      c.input.set_shape({1, 6, 1, 40});
      c.output.set_shape({1, 6, 1, 40});
      c.input.set_strides({-9, 40, 12345, 1});
      c.output.set_strides({0, 40, 0, 1});
    });
  }

  TEST_CASE("norm: overlap") {
    for (const int shift : {-119, -1, 1, 7, 239}) {
      refused(
          "output is the input shifted", HALOGEN_ERROR_OVERLAP, {"output", "input"},
          [=](NormCall &c) {
            c.input.set_shape({1, 6, 4, 5});
            c.output.set_shape({1, 6, 4, 5});
            if (shift == 239) {  // the other way round: far enough apart in floats, not in the offset's bytes
              c.output.dl.data = floats(c.input);
              c.output.dl.byte_offset = 119 * sizeof(float);
              return;
            }
            c.input.dl.data = floats(c.input) + 120;
            c.output.dl.data = floats(c.input) + shift;
          },
          By::forward);
    }
    for (size_t i = 2; i < tensors().size(); ++i) {
      const auto [name, member] = tensors()[i];
      const auto tensor = member;
      refused(
          "output over " + name, HALOGEN_ERROR_OVERLAP, {"output", name},
          [=](NormCall &c) { (c.*tensor).dl.data = floats(c.output) + 10; }, By::forward);
      refused(
          "output's last value over " + name, HALOGEN_ERROR_OVERLAP, {"output", name},
          [=](NormCall &c) { (c.*tensor).dl.data = floats(c.output) + 239; }, By::forward);
    }
    refused(
        "output over mean", HALOGEN_ERROR_OVERLAP, {"output", "mean"},
        [](NormCall &c) { c.mean.dl.data = c.output.dl.data; }, By::forward, with_given());
    refused(
        "output over var", HALOGEN_ERROR_OVERLAP, {"output", "var"},
        [](NormCall &c) { c.var.dl.data = c.output.dl.data; }, By::forward, with_given());
    for (TensorView NormCall::*other : {&NormCall::input, &NormCall::weight, &NormCall::bias}) {
      refused(
          "running_mean over another", HALOGEN_ERROR_OVERLAP, {"running_mean"},
          [=](NormCall &c) { c.running_mean.dl.data = (c.*other).dl.data; }, By::forward);
      refused(
          "running_var over another", HALOGEN_ERROR_OVERLAP, {"running_var"},
          [=](NormCall &c) { c.running_var.dl.data = (c.*other).dl.data; }, By::forward);
    }
    refused(
        "running_mean is running_var", HALOGEN_ERROR_OVERLAP, {"running_mean", "running_var"},
        [](NormCall &c) { c.running_var.dl.data = c.running_mean.dl.data; }, By::forward);
    refused(
        "running_var begins within running_mean", HALOGEN_ERROR_OVERLAP, {"running_mean", "running_var"},
        [](NormCall &c) { c.running_var.dl.data = floats(c.running_mean) + 5; }, By::forward);
    accepted("neighbours", [](NormCall &c) { c.running_var.dl.data = floats(c.running_mean) + 6; });
    accepted("output is input", [](NormCall &c) { c.output.dl.data = c.input.dl.data; });
    accepted("output is input by way of byte_offset", [](NormCall &c) {
      c.output.dl.data = floats(c.input) - 2;
      c.output.dl.byte_offset = 8;
    });
    accepted("weight is bias: both are only read", [](NormCall &c) { c.weight.dl.data = c.bias.dl.data; });
  }
}
