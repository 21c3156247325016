// Calls as operations of the engine. Not part of the interface.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "xcs/detail/engine.h"
#include "xcs/value.h"

namespace xcs::detail {

template <class A>
inline constexpr bool kText =
    std::is_same_v<A, const char*> || std::is_same_v<A, char*> || std::is_same_v<A, std::string_view>;

// What a call keeps of an argument: a copy, or the Value. Text is copied, not what points to it.
template <class A>
using Kept = std::conditional_t<kText<std::decay_t<A>>, std::string, std::decay_t<A>>;

template <class A>
const A& seen(const A& argument) {
  return argument;
}
template <class T>
decltype(auto) seen(const Value<T>& argument) {
  static_assert(!std::is_void_v<T>, "a Value of nothing cannot be an argument");
  return std::as_const(static_cast<BoxOf<Stored<T>>&>(peek(argument.handle())).value);
}

template <class F, class... A>
using CallResult =
    std::remove_cvref_t<std::invoke_result_t<const F&, decltype(seen(std::declval<const Kept<A>&>()))...>>;

template <class F>
Ref<Box> boxed(F&& make_result) {
  using T = std::remove_cvref_t<decltype(make_result())>;
  if constexpr (std::is_void_v<T>) {
    make_result();
    return make<BoxOf<Nothing>>();
  } else {
    return make<BoxOf<T>>(make_result());
  }
}

template <class F, class... A>
class CallOf final : public Operation {
 public:
  template <class... B>
  CallOf(Effect effect, const F& callable, B&&... arguments)
      : Operation(effect), kept_(std::in_place, callable, std::tuple<A...>(std::forward<B>(arguments)...)) {}

  Ref<Box> run() override {
    const F& callable = kept_->first;
    return std::apply(
        [&](const A&... arguments) {
          return boxed([&] { return std::invoke(callable, seen(arguments)...); });
        },
        kept_->second);
  }
  void drop() override { kept_.reset(); }

  // The arguments that are Values, in order.
  std::vector<const Handle*> operands() const {
    std::vector<const Handle*> found;
    std::apply([&](const A&... arguments) { (add_operand(found, arguments), ...); }, kept_->second);
    return found;
  }

 private:
  template <class B>
  static void add_operand(std::vector<const Handle*>&, const B&) {}
  template <class T>
  static void add_operand(std::vector<const Handle*>& found, const Value<T>& argument) {
    found.push_back(&argument.handle());
  }

  std::optional<std::pair<F, std::tuple<A...>>> kept_;
};

// Puts values side by side.
template <class T>
class CollectOf final : public Operation {
 public:
  explicit CollectOf(std::vector<Value<T>> values) : Operation(Effect::kPure), values_(std::move(values)) {}

  Ref<Box> run() override {
    std::vector<T> found;
    found.reserve(values_.size());
    for (const Value<T>& value : values_) found.push_back(seen(value));
    return make<BoxOf<std::vector<T>>>(std::move(found));
  }
  void drop() override { values_.clear(); }

  std::vector<const Handle*> operands() const {
    std::vector<const Handle*> found;
    found.reserve(values_.size());
    for (const Value<T>& value : values_) found.push_back(&value.handle());
    return found;
  }

 private:
  std::vector<Value<T>> values_;
};

// A vector of Values stands for the vector of what they hold.
template <class A>
A&& lifted(A&& argument) {
  return std::forward<A>(argument);
}
template <class T>
Value<std::vector<T>> collect(std::vector<Value<T>> values) {
  auto operation = make<CollectOf<T>>(std::move(values));
  const std::vector<const Handle*> operands = operation->operands();
  return Value<std::vector<T>>(call(Ref<Operation>(std::move(operation)), operands));
}
template <class T>
Value<std::vector<T>> lifted(std::vector<Value<T>>&& values) {
  return collect(std::move(values));
}
template <class T>
Value<std::vector<T>> lifted(const std::vector<Value<T>>& values) {
  return collect(values);
}
template <class T>
Value<std::vector<T>> lifted(std::vector<Value<T>>& values) {
  return collect(values);
}

template <class F, class... A>
auto call_lifted(Effect effect, const F& callable, A&&... arguments) {
  using T = CallResult<F, A...>;
  static_assert(!AnyValue<T>,
                "an op yields a plain value; a function that makes calls of its own is a frame: call it");
  auto operation = make<CallOf<F, Kept<A>...>>(effect, callable, std::forward<A>(arguments)...);
  const std::vector<const Handle*> operands = operation->operands();
  return Value<T>(call(Ref<Operation>(std::move(operation)), operands));
}

}  // namespace xcs::detail
