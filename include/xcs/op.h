// Calls of plain functions on values.
#pragma once

#include <concepts>
#include <functional>
#include <type_traits>
#include <utility>
#include <vector>

#include "xcs/detail/call.h"
#include "xcs/effect.h"
#include "xcs/value.h"

namespace xcs {

// A callable with a promise about its effect; see Effect. Calling it never blocks: the result is a Value of
// what the callable returns, or of void.
//
// Arguments are plain values, kept as copies made at the call (a `const char*` or std::string_view as a
// std::string), or Values, or vectors of Values, which the callable sees as `const T&` and
// `const std::vector<T>&`. The callable is copied into each call; what it
// throws becomes the failure of the result. An independent one may run on several threads at once. It must
// not use Values or make calls of its own: UsageError.
template <class F>
class Op {
  static_assert(std::is_object_v<F> && std::copy_constructible<F>, "an op keeps a copy of its callable");

 public:
  Op(F callable, Effect effect) : callable_(std::move(callable)), effect_(effect) {}

  // REQUIRES: a run of this thread; else UsageError.
  template <class... A>
  auto operator()(A&&... arguments) const {
    return detail::call_lifted(effect_, callable_, detail::lifted(std::forward<A>(arguments))...);
  }

 private:
  F callable_;
  Effect effect_;
};

// xcs::op(fetch, xcs::independent)
template <class F>
Op<std::decay_t<F>> op(F&& callable, Effect effect) {
  return {std::forward<F>(callable), effect};
}

// Calls a pure callable when the arguments are there: xcs::then(join, summaries, keywords).
template <class F, class... A>
auto then(F&& callable, A&&... arguments) {
  return op(std::forward<F>(callable), pure)(std::forward<A>(arguments)...);
}

// Calls a callable with an effect, in program order: xcs::effect(print, line).
template <class F, class... A>
auto effect(F&& callable, A&&... arguments) {
  return op(std::forward<F>(callable), ordered)(std::forward<A>(arguments)...);
}

// All of them as one value, in the order given. Fails as the first of them that failed.
template <class T>
Value<std::vector<T>> all(std::vector<Value<T>> values) {
  return detail::collect(std::move(values));
}

}  // namespace xcs
