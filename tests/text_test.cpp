// capi/src/text.h: numbers as Python prints them, and buffers that end.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <string>

#include "text.h"

namespace {

std::string python(double value) {
  char to[40];
  halogen::Text(to, sizeof to).add_float(value);
  return to;
}

}  // namespace

TEST_SUITE("text") {
  TEST_CASE("text: floats as Python prints them") {
    const struct {
      double value;
      const char *expected;
    } cases[] = {{1e-5, "1e-05"},
                 {0.1, "0.1"},
                 {1 - 0.9, "0.09999999999999998"},
                 {0, "0.0"},
                 {-0.0, "-0.0"},
                 {1, "1.0"},
                 {-2.5, "-2.5"},
                 {0.0001, "0.0001"},
                 {0.00012345, "0.00012345"},
                 {1.5e-5, "1.5e-05"},
                 {100000, "100000.0"},
                 {123456789, "123456789.0"},
                 {1e15, "1000000000000000.0"},
                 {1e16, "1e+16"},
                 {1.25e300, "1.25e+300"},
                 {3.141592653589793, "3.141592653589793"},
                 {1234.5, "1234.5"},
                 {5e-324, "5e-324"},
                 {INFINITY, "inf"},
                 {-INFINITY, "-inf"},
                 {NAN, "nan"}};
    for (const auto &one : cases) CHECK(python(one.value) == one.expected);
  }

  TEST_CASE("text: tuples, and what has no room") {
    char to[12];
    halogen::Text text(to, sizeof to);
    const int64_t values[] = {2, 30, 4};
    text.add_tuple(values, 1);
    CHECK(std::string(to) == "(2,)");
    text.add_tuple(values, 3);
    CHECK(std::string(to) == "(2,)(2, 30,");
    CHECK(text.length() == 14);
    text.add("more");
    CHECK(text.length() == 18);
    halogen::Text nothing(nullptr, 0);
    nothing.add_bool(true);
    CHECK(nothing.length() == 4);
  }
}
