#include "tensors.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace halogen_bench {
namespace {

void store(char *to, double value, const Dtype &dtype) {
  const auto single = static_cast<float>(value);
  uint32_t bits = 0;
  std::memcpy(&bits, &single, sizeof bits);
  const auto put = [to](const auto &stored) { std::memcpy(to, &stored, sizeof stored); };
  if (dtype.dl.bits == 64) return put(value);
  if (dtype.dl.bits == 32) return put(single);
  if (dtype.dl.code == kDLBfloat) return put(static_cast<uint16_t>(bits >> 16));
  const uint32_t magnitude = bits & 0x7fffffff, less_bias = (127 - 15) << 23;
  put(static_cast<uint16_t>((bits >> 16 & 0x8000) | (magnitude == 0 ? 0 : (magnitude - less_bias) >> 13)));
}

}  // namespace

void OwnedTensor::Free::operator()(float *p) const { std::free(p); }

OwnedTensor::OwnedTensor(const std::vector<int64_t> &shape, double first, double step, const Dtype &dtype,
                         bool channel_last) {
  const size_t rank = shape.size();
  std::copy(shape.begin(), shape.end(), shape_);
  std::vector<size_t> outermost_first;
  for (size_t i = 0; i < rank; ++i) {
    if (i != 1 || !channel_last) outermost_first.push_back(i);
  }
  if (channel_last) outermost_first.push_back(1);
  int64_t size = 1;
  for (auto i = outermost_first.rbegin(); i != outermost_first.rend(); ++i) {
    strides_[*i] = size;
    size *= shape[*i];
  }
  bytes_ = static_cast<size_t>(size) * dtype.bytes();

  constexpr size_t kPage = 4096;
  data_.reset(static_cast<float *>(std::aligned_alloc(kPage, (bytes_ + kPage - 1) / kPage * kPage)));
  if (data_ == nullptr) throw std::bad_alloc();
  constexpr size_t kPeriod = 1021;
  const size_t period = std::min(bytes_, kPeriod * dtype.bytes());
  const auto memory = reinterpret_cast<char *>(data_.get());
  for (size_t i = 0; i * dtype.bytes() < period; ++i) {
    store(memory + i * dtype.bytes(), first + step * static_cast<double>(i), dtype);
  }
  for (size_t done = period; done < bytes_; done += period) {
    std::memcpy(memory + done, memory, std::min(period, bytes_ - done));
  }

  tensor_ = {};
  tensor_.data = data_.get();
  tensor_.device = {kDLCPU, 0};
  tensor_.ndim = static_cast<int32_t>(rank);
  tensor_.dtype = dtype.dl;
  tensor_.shape = shape_;
  tensor_.strides = strides_;
}

}  // namespace halogen_bench
