// safetensors.h: reads a .safetensors file: 8-byte little-endian header length, JSON header, raw little-endian C-order
// tensors. Every length and offset is checked before it is used; what does not fit throws std::runtime_error.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "json.h"

namespace replay {

struct Tensor {
  std::string dtype;  // "F32", "F64", "I64", ...
  std::vector<int64_t> shape;
  const unsigned char *data = nullptr;  // into the file's bytes, of any alignment
  size_t bytes = 0;

  size_t size() const {
    size_t n = 1;
    for (int64_t extent : shape) n *= static_cast<size_t>(extent);
    return n;
  }

  /// The values as T; the caller has checked that `dtype` is T's.
  template <typename T>
  std::vector<T> values() const {
    std::vector<T> out(bytes / sizeof(T));
    if (bytes != 0) std::memcpy(out.data(), data, out.size() * sizeof(T));
    return out;
  }
};

class Safetensors {
 public:
  explicit Safetensors(const std::string &path) : bytes_(read_file(path)) { parse(); }
  Safetensors(const Safetensors &) = delete;  // tensors point into bytes_
  Safetensors &operator=(const Safetensors &) = delete;

  const std::map<std::string, std::string> &metadata() const { return metadata_; }

  /// The metadata entry `key`, "" when absent.
  std::string meta(const std::string &key) const {
    const auto found = metadata_.find(key);
    return found == metadata_.end() ? std::string() : found->second;
  }

  const std::map<std::string, Tensor> &tensors() const { return tensors_; }

  /// The tensor `name`, or nullptr.
  const Tensor *find(const std::string &name) const {
    const auto found = tensors_.find(name);
    return found == tensors_.end() ? nullptr : &found->second;
  }

  static std::string read_file(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot be opened");
    std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    if (file.bad()) throw std::runtime_error("cannot be read");
    return bytes;
  }

 private:
  static size_t dtype_size(const std::string &dtype) {
    static const std::map<std::string, size_t> sizes = {{"F64", 8}, {"I64", 8}, {"U64", 8},  {"F32", 4}, {"I32", 4},
                                                        {"U32", 4}, {"F16", 2}, {"BF16", 2}, {"I16", 2}, {"U16", 2},
                                                        {"I8", 1},  {"U8", 1},  {"BOOL", 1}};
    const auto found = sizes.find(dtype);
    if (found == sizes.end()) throw std::runtime_error("the data type \"" + dtype + "\" is not one of .safetensors");
    return found->second;
  }

  void parse() {
    constexpr uint64_t kPrefix = 8;
    constexpr uint64_t kMaxHeader = 100'000'000;  // the format's own limit
    if (bytes_.size() < kPrefix) throw std::runtime_error("shorter than the 8 bytes every .safetensors file has");
    uint64_t header = 0;
    for (size_t i = 0; i < kPrefix; ++i) header |= uint64_t{static_cast<unsigned char>(bytes_[i])} << (8 * i);
    if (header > kMaxHeader || header > bytes_.size() - kPrefix) {
      throw std::runtime_error("the header is said to be " + std::to_string(header) + " bytes long, but the file has " +
                               std::to_string(bytes_.size() - kPrefix) + " left");
    }
    const Json json = JsonParser(std::string_view(bytes_).substr(kPrefix, header)).parse();
    const size_t data = static_cast<size_t>(kPrefix + header);
    for (const auto &[name, entry] : json.as_object()) {
      if (name == "__metadata__") {
        for (const auto &[key, value] : entry.as_object()) metadata_[key] = value.as_string();
      } else {
        add_tensor(name, entry, data);
      }
    }
    check_no_gaps(bytes_.size() - data);
  }

  void add_tensor(const std::string &name, const Json &entry, size_t data) {
    Tensor tensor;
    tensor.dtype = entry.at("dtype").as_string();
    uint64_t bytes = dtype_size(tensor.dtype);
    for (const Json &extent : entry.at("shape").as_array()) {
      const int64_t n = extent.as_integer();
      if (n < 0) throw std::runtime_error("tensor \"" + name + "\" has a negative extent");
      if (n != 0 && bytes > std::numeric_limits<uint64_t>::max() / static_cast<uint64_t>(n)) {
        throw std::runtime_error("tensor \"" + name + "\" is larger than any file");
      }
      bytes *= static_cast<uint64_t>(n);
      tensor.shape.push_back(n);
    }
    const auto &offsets = entry.at("data_offsets").as_array();
    if (offsets.size() != 2) throw std::runtime_error("tensor \"" + name + "\" needs two data_offsets");
    const int64_t begin = offsets[0].as_integer();
    const int64_t end = offsets[1].as_integer();
    if (begin < 0 || end < begin || static_cast<uint64_t>(end) > bytes_.size() - data) {
      throw std::runtime_error("tensor \"" + name + "\" lies outside of the file: bytes " + std::to_string(begin) +
                               " to " + std::to_string(end) + " of " + std::to_string(bytes_.size() - data));
    }
    if (static_cast<uint64_t>(end - begin) != bytes) {
      throw std::runtime_error("tensor \"" + name + "\" has " + std::to_string(end - begin) +
                               " bytes, its shape and data type need " + std::to_string(bytes));
    }
    tensor.data = reinterpret_cast<const unsigned char *>(bytes_.data()) + data + begin;
    tensor.bytes = static_cast<size_t>(bytes);
    spans_.emplace_back(begin, end);
    tensors_.emplace(name, std::move(tensor));
  }

  /// The format allows neither holes nor overlaps nor bytes after the last tensor.
  void check_no_gaps(uint64_t size) {
    std::sort(spans_.begin(), spans_.end());
    int64_t position = 0;
    for (const auto &[begin, end] : spans_) {
      if (begin != position) throw std::runtime_error("tensors overlap, or leave a hole between them");
      position = end;
    }
    if (static_cast<uint64_t>(position) != size) throw std::runtime_error("bytes follow the last tensor");
  }

  std::string bytes_;
  std::map<std::string, std::string> metadata_;
  std::map<std::string, Tensor> tensors_;
  std::vector<std::pair<int64_t, int64_t>> spans_;
};

}  // namespace replay
