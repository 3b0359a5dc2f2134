// Rows that need no more than a member of the params struct and one of Meaning.
#pragma once

#include "meaning.h"
#include "tensor.h"

namespace halogen {

template <class>
struct MemberOf;
template <class Struct_, class Type_>
struct MemberOf<Type_ Struct_::*> {
  using Struct = Struct_;
  using Type = Type_;
};

template <auto member>
const auto &value_of(const void *params) {
  return static_cast<const typename MemberOf<decltype(member)>::Struct *>(params)->*member;
}
template <auto member>
auto &value_of(void *params) {
  return static_cast<typename MemberOf<decltype(member)>::Struct *>(params)->*member;
}

template <auto member, auto meaning>
void read_plain(const void *params, Meaning *to) {
  to->*meaning = static_cast<typename MemberOf<decltype(meaning)>::Type>(value_of<member>(params));
}
template <auto member, auto meaning>
Remark write_plain(const Meaning &from, void *params) {
  value_of<member>(params) = static_cast<typename MemberOf<decltype(member)>::Type>(from.*meaning);
  return {};
}

/// A parameter that is a member of Meaning as it stands.
#define HALOGEN_PLAIN(P, what, member, meaning)                                              \
  Row {                                                                                      \
    Concept::what, {HALOGEN_FIELD(P, member)}, 1, read_plain<&P::member, &Meaning::meaning>, \
        write_plain<&P::member, &Meaning::meaning>                                           \
  }

/// The dtypes that a framework's module has.
enum class Dtypes { all, float32_64, float32_16, float32_only };

template <auto member, Dtypes dtypes>
Remark write_dtype(const Meaning &from, void *params) {
  const bool other = (dtypes == Dtypes::float32_64 && same_dtype(from.dtype, kFloat64)) ||
                     (dtypes == Dtypes::float32_16 && same_dtype(from.dtype, kFloat16));
  value_of<member>(params) = dtypes == Dtypes::all || other ? from.dtype : kFloat32;
  return {};
}

/// What every class ends with.
#define HALOGEN_PLACE(P, dtypes)              \
  Row{Concept::dtype,                         \
      {HALOGEN_FIELD(P, dtype)},              \
      1,                                      \
      read_plain<&P::dtype, &Meaning::dtype>, \
      write_dtype<&P::dtype, dtypes>},        \
      HALOGEN_PLAIN(P, device, device, device)

/// Whether there is a weight and a bias, by one flag or two.
template <auto affine>
void read_affine(const void *params, Meaning *to) {
  to->affine = value_of<affine>(params) != 0 ? Affine::both : Affine::none;
}
template <auto affine>
Remark write_affine(const Meaning &from, void *params) {
  value_of<affine>(params) = from.affine != Affine::none;
  if (from.affine != Affine::fixed) return {};
  return {"MindSpore applies gamma and beta without affine, too: give weight and bias no gradient"};
}
template <auto affine, auto bias>
void read_affine_bias(const void *params, Meaning *to) {
  read_affine<affine>(params, to);
  if (to->affine == Affine::both && value_of<bias>(params) == 0) to->affine = Affine::weight;
}
template <auto affine, auto bias>
Remark write_affine_bias(const Meaning &from, void *params) {
  value_of<bias>(params) = from.affine != Affine::weight;
  return write_affine<affine>(from, params);
}
#define HALOGEN_AFFINE(P, flag) \
  Row { Concept::affine, {HALOGEN_FIELD(P, flag)}, 1, read_affine<&P::flag>, write_affine<&P::flag> }
#define HALOGEN_AFFINE_BIAS(P, flag)                                                                            \
  Row {                                                                                                         \
    Concept::affine, {HALOGEN_FIELD(P, flag), HALOGEN_FIELD(P, bias)}, 2, read_affine_bias<&P::flag, &P::bias>, \
        write_affine_bias<&P::flag, &P::bias>                                                                   \
  }

/// What a class has no parameter for: all initial Meanings, or what `read` sets.
inline void read_nothing(const void *, Meaning *) {}
#define HALOGEN_FIXED(what, read) \
  Row { Concept::what, {}, 0, read, nullptr }

constexpr halogen_mindspore_init init_of(halogen_mindspore_init_kind kind, double value = 0) {
  halogen_mindspore_init init = {};
  init.kind = kind;
  init.value = value;
  return init;
}

/// An initialiser argument whose default is Zero or One.
template <auto member, auto meaning, halogen_mindspore_init_kind kind>
void read_init(const void *params, Meaning *to) {
  const halogen_mindspore_init &init = value_of<member>(params);
  to->*meaning = init.kind == HALOGEN_MINDSPORE_INIT_DEFAULT ? init_of(kind) : init;
}
template <auto member, auto meaning, halogen_mindspore_init_kind kind>
Remark write_init(const Meaning &from, void *params) {
  value_of<member>(params) = (from.*meaning).kind == kind ? halogen_mindspore_init{} : from.*meaning;
  return {};
}
/// The same where there is no argument.
template <auto meaning, halogen_mindspore_init_kind kind>
void read_fixed_init(const void *, Meaning *to) {
  to->*meaning = init_of(kind);
}

constexpr halogen_mindspore_init_kind kZero = HALOGEN_MINDSPORE_INIT_ZERO, kOne = HALOGEN_MINDSPORE_INIT_ONE;

inline constexpr const char *kModeTrue[] = {"True", nullptr}, *kModeFalse[] = {"False", nullptr};
inline void read_evaluation(const void *, Meaning *to) { to->starts_training = false; }
/// The mode that modules are created in.
#define HALOGEN_TRAINING() \
  Row { Concept::training, {Field{"training", FieldType::literal, 0, kNeverNone, kModeTrue}}, 1, read_nothing, nullptr }
#define HALOGEN_EVALUATION()                                                                                           \
  Row {                                                                                                                \
    Concept::training, {Field{"training", FieldType::literal, 0, kNeverNone, kModeFalse}}, 1, read_evaluation, nullptr \
  }

}  // namespace halogen
