// json.h: a small strict JSON reader (RFC 8259), enough for the headers of .safetensors files. Anything that is not JSON
// throws std::runtime_error with the byte it was found at.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace replay {

struct Json {
  enum class Kind { kNull, kBool, kNumber, kString, kArray, kObject };

  Kind kind = Kind::kNull;
  bool boolean = false;
  double number = 0;
  std::string text;
  std::vector<Json> items;
  std::vector<std::pair<std::string, Json>> members;  // in the file's order; keys are unique

  bool is_null() const { return kind == Kind::kNull; }

  /// The member named `key`, or nullptr.
  const Json *find(std::string_view key) const {
    for (const auto &member : members) {
      if (member.first == key) return &member.second;
    }
    return nullptr;
  }

  /// The member named `key`, which must be there.
  const Json &at(std::string_view key) const {
    if (const Json *value = find(key)) return *value;
    throw std::runtime_error("JSON: no member \"" + std::string(key) + "\"");
  }

  const std::string &as_string() const {
    require(Kind::kString, "a string");
    return text;
  }
  double as_number() const {
    require(Kind::kNumber, "a number");
    return number;
  }
  bool as_bool() const {
    require(Kind::kBool, "true or false");
    return boolean;
  }
  const std::vector<Json> &as_array() const {
    require(Kind::kArray, "an array");
    return items;
  }
  const std::vector<std::pair<std::string, Json>> &as_object() const {
    require(Kind::kObject, "an object");
    return members;
  }
  /// A whole number that a double holds exactly; more than any file size.
  int64_t as_integer() const {
    constexpr double kLargest = 9007199254740992.0;  // 2^53
    if (kind != Kind::kNumber || number != std::floor(number) || std::fabs(number) > kLargest) {
      throw std::runtime_error("JSON: expected a whole number");
    }
    return static_cast<int64_t>(number);
  }

 private:
  void require(Kind wanted, const char *what) const {
    if (kind != wanted) throw std::runtime_error(std::string("JSON: expected ") + what);
  }
};

class JsonParser {
 public:
  explicit JsonParser(std::string_view text) : text_(text) {}

  /// The one value that `text` holds; trailing white space is allowed, as .safetensors pads with it.
  Json parse() {
    Json value = parse_value(0);
    skip_space();
    if (position_ != text_.size()) fail("something follows the value");
    return value;
  }

 private:
  static constexpr int kMaxDepth = 64;  // a hostile file must not exhaust the stack

  [[noreturn]] void fail(const std::string &what) const {
    throw std::runtime_error("bad JSON at byte " + std::to_string(position_) + ": " + what);
  }

  char peek() const { return position_ < text_.size() ? text_[position_] : '\0'; }

  void skip_space() {
    while (position_ < text_.size() && std::string_view(" \t\r\n").find(text_[position_]) != std::string_view::npos) {
      ++position_;
    }
  }

  void expect(std::string_view word) {
    if (text_.substr(position_, word.size()) != word) fail("expected '" + std::string(word) + "'");
    position_ += word.size();
  }

  Json parse_value(int depth) {
    if (depth > kMaxDepth) fail("nested too deeply");
    skip_space();
    Json value;
    switch (peek()) {
      case '{':
        parse_object(value, depth);
        break;
      case '[':
        parse_array(value, depth);
        break;
      case '"':
        value.kind = Json::Kind::kString;
        value.text = parse_string();
        break;
      case 't':
      case 'f':
        value.kind = Json::Kind::kBool;
        value.boolean = peek() == 't';
        expect(value.boolean ? "true" : "false");
        break;
      case 'n':
        expect("null");
        break;
      default:
        parse_number(value);
    }
    return value;
  }

  void parse_object(Json &value, int depth) {
    value.kind = Json::Kind::kObject;
    expect("{");
    skip_space();
    if (peek() == '}') {
      ++position_;
      return;
    }
    while (true) {
      skip_space();
      if (peek() != '"') fail("expected a key");
      std::string key = parse_string();
      if (value.find(key) != nullptr) fail("the key \"" + key + "\" comes twice");
      skip_space();
      expect(":");
      value.members.emplace_back(std::move(key), parse_value(depth + 1));
      skip_space();
      if (peek() != ',') break;
      ++position_;
    }
    expect("}");
  }

  void parse_array(Json &value, int depth) {
    value.kind = Json::Kind::kArray;
    expect("[");
    skip_space();
    if (peek() == ']') {
      ++position_;
      return;
    }
    while (true) {
      value.items.push_back(parse_value(depth + 1));
      skip_space();
      if (peek() != ',') break;
      ++position_;
    }
    expect("]");
  }

  size_t skip_digits() {
    const size_t begin = position_;
    while (peek() >= '0' && peek() <= '9') ++position_;
    return position_ - begin;
  }

  void parse_number(Json &value) {
    const size_t begin = position_;
    if (peek() == '-') ++position_;
    const bool leading_zero = peek() == '0';
    const size_t digits = skip_digits();
    if (digits == 0 || (leading_zero && digits > 1)) fail("expected a value");
    if (peek() == '.') {
      ++position_;
      if (skip_digits() == 0) fail("expected a digit");
    }
    if (peek() == 'e' || peek() == 'E') {
      ++position_;
      if (peek() == '+' || peek() == '-') ++position_;
      if (skip_digits() == 0) fail("expected a digit");
    }
    value.kind = Json::Kind::kNumber;
    value.number = std::strtod(std::string(text_.substr(begin, position_ - begin)).c_str(), nullptr);
  }

  std::string parse_string() {
    expect("\"");
    std::string out;
    while (true) {
      if (position_ >= text_.size()) fail("a string has no end");
      const char c = text_[position_++];
      if (c == '"') return out;
      if (static_cast<unsigned char>(c) < 0x20) fail("a control character in a string");
      if (c == '\\') {
        parse_escape(out);
      } else {
        out.push_back(c);
      }
    }
  }

  void parse_escape(std::string &out) {
    const char c = peek();
    ++position_;
    const size_t simple = std::string_view("\"\\/bfnrt").find(c);
    if (c != '\0' && simple != std::string_view::npos) {
      out.push_back("\"\\/\b\f\n\r\t"[simple]);
    } else if (c == 'u') {
      append_utf8(out, parse_code_point());
    } else {
      fail("an unknown escape in a string");
    }
  }

  uint32_t parse_hex4() {
    uint32_t code = 0;
    for (int i = 0; i < 4; ++i, ++position_) {
      const size_t digit = std::string_view("0123456789abcdefABCDEF").find(peek());
      if (peek() == '\0' || digit == std::string_view::npos) fail("expected four hexadecimal digits");
      code = code * 16 + static_cast<uint32_t>(digit < 16 ? digit : digit - 6);
    }
    return code;
  }

  uint32_t parse_code_point() {
    const uint32_t high = parse_hex4();
    if (high < 0xD800 || high > 0xDFFF) return high;
    if (high > 0xDBFF) fail("half of a surrogate pair");
    expect("\\u");
    const uint32_t low = parse_hex4();
    if (low < 0xDC00 || low > 0xDFFF) fail("half of a surrogate pair");
    return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
  }

  static void append_utf8(std::string &out, uint32_t code) {
    const auto put = [&out](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
    if (code < 0x80) return put(code);
    if (code < 0x800) {
      put(0xC0 | (code >> 6));
    } else {
      if (code < 0x10000) {
        put(0xE0 | (code >> 12));
      } else {
        put(0xF0 | (code >> 18));
        put(0x80 | ((code >> 12) & 0x3F));
      }
      put(0x80 | ((code >> 6) & 0x3F));
    }
    put(0x80 | (code & 0x3F));
  }

  std::string_view text_;
  size_t position_ = 0;
};

}  // namespace replay
