// Values of any type as the engine holds them. Not part of the interface.
#pragma once

#include <cstdint>
#include <exception>
#include <type_traits>
#include <utility>

namespace xcs::detail {

// Counted by its holders. The count is not atomic: a box belongs to one thread at a time.
class Box {
 public:
  Box() = default;
  Box(const Box&) = delete;
  Box& operator=(const Box&) = delete;
  virtual ~Box() = default;

  // The exception that stands in the place of a value, or null.
  virtual const std::exception_ptr* failure() const { return nullptr; }

  void retain() { ++count_; }
  void release() {
    if (--count_ == 0) delete this;
  }

 private:
  std::uint32_t count_ = 0;
};

template <class T>
class BoxOf final : public Box {
 public:
  template <class... A>
  explicit BoxOf(A&&... arguments) : value(std::forward<A>(arguments)...) {}
  T value;
};

// What a box of nothing holds.
struct Nothing {};
template <class T>
using Stored = std::conditional_t<std::is_void_v<T>, Nothing, T>;

// A share in a box, or none.
template <class B>
class Ref {
 public:
  Ref() = default;
  explicit Ref(B* box) : box_(box) {
    if (box_ != nullptr) box_->retain();
  }
  Ref(const Ref& other) : Ref(other.box_) {}
  Ref(Ref&& other) noexcept : box_(std::exchange(other.box_, nullptr)) {}
  template <class D>
    requires std::is_convertible_v<D*, B*>
  Ref(Ref<D> other) : box_(other.leave()) {}  // NOLINT(google-explicit-constructor): as for pointers
  Ref& operator=(Ref other) noexcept {
    std::swap(box_, other.box_);
    return *this;
  }
  ~Ref() {
    if (box_ != nullptr) box_->release();
  }

  B* get() const { return box_; }
  B* operator->() const { return box_; }
  B& operator*() const { return *box_; }
  explicit operator bool() const { return box_ != nullptr; }
  // Hands the share over to the caller.
  B* leave() { return std::exchange(box_, nullptr); }

 private:
  B* box_ = nullptr;
};

template <class B, class... A>
Ref<B> make(A&&... arguments) {
  return Ref<B>(new B(std::forward<A>(arguments)...));
}

}  // namespace xcs::detail
