// Values that may still be on their way, and the frames that make them.
#pragma once

#include <concepts>
#include <utility>

#include "xcs/detail/engine.h"
#include "xcs/detail/promise.h"
#include "xcs/errors.h"

namespace xcs {

// The result of a call or a frame: there, on its way, or failed. Copies share the one result.
//
// A function that returns Value<T> and uses co_await or co_return is a *frame*. Calling it runs it at once
// until it needs a value that is not there; then the caller goes on, and the frame goes on when the value is
// there. Its calls and effects stand where the call of the frame stands in program order, whenever they are
// made. A frame must do nothing else that can be seen from outside: code of frames runs ahead of what comes
// before it. The arguments of a frame are its own: references are refused when it is compiled, except to
// captureless lambdas.
//
//   xcs::Value<std::string> describe(std::string city) {
//     std::string weather = co_await look_up(city);      // other frames run while this one waits
//     if (weather.empty()) co_return "nothing known";
//     co_return city + ": " + weather;
//   }
//
// Looking: `co_await value`, in a frame only, is a `const T&` that lives as long as a copy of the value does;
// `co_await std::move(value)`, or of a value without a name, is a T, moved if nobody else shares it, else
// copied (UsageError if a T cannot be copied).
//
// Failure: co_await throws the exception, the very same object. A frame that catches it has handled it: the
// program goes on as if the call had returned. A failure that nobody handles ends the run at the place of the
// call that failed: nothing after that place in program order commits. An operand that failed makes the call
// fail likewise.
//
// A value belongs to the run that made it and to that run's thread, copies included. Used elsewhere, or
// later, it throws UsageError; a value made from a T belongs to nobody. Destroying a value never cancels its
// call.
template <class T>
class Value {
  static_assert(!std::is_reference_v<T> && !std::is_const_v<T>, "a Value holds an object");

 public:
  using value_type = T;

  // A value that is there.
  template <class U>
    requires(!std::is_void_v<T> && !std::same_as<std::remove_cvref_t<U>, Value> &&
             std::convertible_to<U &&, T>)
  Value(U&& value)  // NOLINT(google-explicit-constructor): a T stands wherever a Value<T> is expected
      : handle_(detail::ready(detail::make<detail::BoxOf<detail::Stored<T>>>(std::forward<U>(value)))) {}

  // For the library itself.
  explicit Value(detail::Handle handle) : handle_(std::move(handle)) {}
  const detail::Handle& handle() const { return handle_; }
  detail::Handle leave() && { return std::move(handle_); }

 private:
  detail::Handle handle_;
};

namespace detail {

template <class T>
struct ValueTraits {
  static constexpr bool kIsValue = false;
};
template <class T>
struct ValueTraits<Value<T>> {
  static constexpr bool kIsValue = true;
};

}  // namespace detail

// Whether a type is a Value.
template <class T>
concept AnyValue = detail::ValueTraits<std::remove_cvref_t<T>>::kIsValue;

}  // namespace xcs
