#include "words.h"

#include <set>

namespace halogen {
namespace {

using namespace Halide::Internal;
using Halide::Expr;

Halide::Type word_of(int lanes) { return Halide::UInt(32, lanes); }

/// Of a vector, the lanes 2 i + parity.
class EverySecond : public IRMutator {
 public:
  /// `halved`: the variables of which there is one for each parity.
  EverySecond(int parity, std::multiset<std::string> halved) : parity_(parity), halved_(std::move(halved)) {}

  std::string renamed(const std::string &name) const { return name + (parity_ == 0 ? ".even" : ".odd"); }

  using IRMutator::mutate;

  Expr mutate(const Expr &e) override {
    if (e.type().is_scalar()) return e;
    switch (e.node_type()) {
      case IRNodeType::Load:
      case IRNodeType::Ramp:
      case IRNodeType::Shuffle:
      case IRNodeType::VectorReduce:
        return slice(e);
      default:
        return IRMutator::mutate(e);
    }
  }

 protected:
  using IRMutator::visit;

  Expr visit(const Broadcast *op) override {
    const int lanes = op->type.lanes() / 2;
    return op->value.type().is_scalar() ? Broadcast::make(op->value, lanes) : slice(op);
  }

  Expr visit(const Cast *op) override {
    const int lanes = op->type.lanes() / 2;
    if (op->type.element_of() == Halide::UInt(32) && is_dense(op->value)) return widened(op->value);
    return Cast::make(op->type.with_lanes(lanes), mutate(op->value));
  }

  Expr visit(const Reinterpret *op) override {
    if (op->value.type().lanes() != op->type.lanes()) return slice(op);
    return Reinterpret::make(op->type.with_lanes(op->type.lanes() / 2), mutate(op->value));
  }

  Expr visit(const Call *op) override {
    if (!op->is_pure()) return slice(op);
    if (op->is_intrinsic(Call::widening_shift_left) && op->type.is_uint() && is_dense(op->args[0])) {
      return widened(op->args[0]) << cast(word_of(op->type.lanes() / 2), mutate(op->args[1]));
    }
    std::vector<Expr> args;
    for (const Expr &arg : op->args) args.push_back(mutate(arg));
    return Call::make(op->type.with_lanes(op->type.lanes() / 2), op->name, args, op->call_type);
  }

  Expr visit(const Variable *op) override {
    if (halved_.count(op->name) == 0) return slice(op);
    return Variable::make(op->type.with_lanes(op->type.lanes() / 2), renamed(op->name));
  }

  Expr visit(const Let *op) override {
    if (op->value.type().is_scalar()) return Let::make(op->name, op->value, mutate(op->body));
    const Expr value = mutate(op->value);
    const auto halved = halved_.insert(op->name);
    const Expr body = mutate(op->body);
    halved_.erase(halved);
    return Let::make(renamed(op->name), value, body);
  }

 private:
  static bool is_dense(const Expr &e) {
    const auto *load = e.as<Load>();
    const auto *ramp = load == nullptr ? nullptr : load->index.as<Ramp>();
    return ramp != nullptr && load->type.element_of() == Halide::UInt(16) && is_const_one(ramp->stride) &&
           is_const_one(load->predicate);
  }

  Expr widened(const Expr &load) const {
    const int lanes = load.type().lanes() / 2;
    const Expr words = Reinterpret::make(word_of(lanes), load);
    return parity_ == 0 ? words & Broadcast::make(Expr(0xffffu), lanes) : words >> Broadcast::make(Expr(16u), lanes);
  }

  Expr slice(const Expr &e) const { return Shuffle::make_slice(e, parity_, 2, e.type().lanes() / 2); }

  int parity_;
  std::multiset<std::string> halved_;
};

class ByWords : public IRMutator {
 public:
  explicit ByWords(int lanes) : lanes_(lanes) {}

 protected:
  using IRMutator::visit;

  Stmt visit(const LetStmt *op) override {
    if (op->value.type().lanes() != lanes_) return IRMutator::visit(op);
    EverySecond even(0, halved_), odd(1, halved_);
    const auto halved = halved_.insert(op->name);
    const Stmt body = mutate(op->body);
    halved_.erase(halved);
    if (body.same_as(op->body)) return op;
    // LLVM drops those of the three that nothing uses.
    return LetStmt::make(op->name, op->value,
                         LetStmt::make(even.renamed(op->name), even.mutate(op->value),
                                       LetStmt::make(odd.renamed(op->name), odd.mutate(op->value), body)));
  }

  Stmt visit(const Store *op) override {
    const auto *narrowed = op->value.as<Cast>();
    const auto *ramp = op->index.as<Ramp>();
    const bool narrows = narrowed != nullptr && narrowed->type == Halide::UInt(16, lanes_) &&
                         narrowed->value.type() == Halide::UInt(32, lanes_);
    if (!narrows || ramp == nullptr || !is_const_one(ramp->stride) || !is_const_one(op->predicate)) {
      return IRMutator::visit(op);
    }
    const Expr even = EverySecond(0, halved_).mutate(narrowed->value),
               odd = EverySecond(1, halved_).mutate(narrowed->value);
    const Expr words =
        (even & Broadcast::make(Expr(0xffffu), lanes_ / 2)) | (odd << Broadcast::make(Expr(16u), lanes_ / 2));
    return Store::make(op->name, Reinterpret::make(narrowed->type, words), op->index, op->param, op->predicate,
                       op->alignment);
  }

 private:
  int lanes_;
  std::multiset<std::string> halved_;
};

}  // namespace

std::unique_ptr<IRMutator> by_words(int lanes) { return std::make_unique<ByWords>(lanes); }

}  // namespace halogen
