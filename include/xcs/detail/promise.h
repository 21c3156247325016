// Frames as coroutines. Not part of the interface.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "xcs/detail/engine.h"
#include "xcs/errors.h"

namespace xcs {

template <class T>
class Value;

namespace detail {

// A frame outlives the call that made it, and with it what its caller's references refer to. A captureless
// lambda has nothing to refer to.
template <class A>
inline constexpr bool kOwned = !std::is_reference_v<A> || std::is_empty_v<std::remove_reference_t<A>>;

template <class T, bool kTake>
class Look {
 public:
  explicit Look(Handle value) : value_(std::move(value)) {}

  bool await_ready() const { return is_ready(value_); }
  void await_suspend(std::coroutine_handle<>) const { wait(value_); }
  decltype(auto) await_resume() {
    auto& box = static_cast<BoxOf<Stored<T>>&>(look(value_));
    if constexpr (std::is_void_v<T>) {
      return;
    } else if constexpr (kTake) {
      return take(box.value);
    } else {
      return std::as_const(box.value);
    }
  }

 private:
  T take(Stored<T>& value) const {
    if (is_sole(value_)) return std::move(value);
    if constexpr (std::is_copy_constructible_v<T>) {
      return value;
    } else {
      throw UsageError("co_await of a temporary Value that others share, of a type that cannot be copied");
    }
  }

  Handle value_;
};

class PromiseBase {
 public:
  struct Begin {
    Frame* frame;
    static bool await_ready() noexcept { return false; }
    bool await_suspend(std::coroutine_handle<>) const { return defer(*frame); }
    void await_resume() const noexcept {}
  };
  struct End {
    static bool await_ready() noexcept { return false; }
    template <class P>
    void await_suspend(std::coroutine_handle<P> code) const noexcept {
      PromiseBase& promise = code.promise();
      finish(*promise.frame_, std::move(promise.result_), std::move(promise.exception_));
    }
    void await_resume() const noexcept {}
  };

  Begin initial_suspend() const noexcept { return {frame_}; }
  static End final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { exception_ = std::current_exception(); }

  template <class U>
  auto await_transform(const Value<U>& value) const {
    return Look<U, false>(value.handle());
  }
  template <class U>
  auto await_transform(Value<U>& value) const {
    return Look<U, false>(value.handle());
  }
  template <class U>
  auto await_transform(Value<U>&& value) const {
    Value<U> taken = std::move(value);
    return Look<U, true>(std::move(taken).leave());
  }
  template <class U>
  void await_transform(U&&) const {
    static_assert(sizeof(U) == 0, "a frame can only co_await an xcs::Value");
  }

 protected:
  Handle start(std::coroutine_handle<> code) {
    Entered entered = enter(code);
    frame_ = entered.frame;
    return std::move(entered.result);
  }
  void set_result(Ref<Box> result) { result_ = std::move(result); }

 private:
  Frame* frame_ = nullptr;
  Ref<Box> result_;
  std::exception_ptr exception_;
};

template <class T>
class Returning : public PromiseBase {
 public:
  template <class U = T>
  void return_value(U&& value) {
    static_assert(std::is_convertible_v<U&&, T>, "the frame's Value holds another type");
    set_result(make<BoxOf<T>>(std::forward<U>(value)));
  }
};
template <>
class Returning<void> : public PromiseBase {
 public:
  void return_void() { set_result(make<BoxOf<Nothing>>()); }
};

// The promise of a frame whose function takes the types A.
template <class T, class... A>
class Promise final : public Returning<T> {
 public:
  Value<T> get_return_object() {
    // Here and not in the class: the type of a lambda is complete only after its body.
    static_assert(
        (kOwned<A> && ...),
        "a frame keeps its arguments: take them by value, not by reference (a lambda must capture nothing)");
    return Value<T>(this->start(std::coroutine_handle<Promise>::from_promise(*this)));
  }
};

}  // namespace detail
}  // namespace xcs

template <class T, class... A>
struct std::coroutine_traits<xcs::Value<T>, A...> {
  using promise_type = xcs::detail::Promise<T, A...>;
};
