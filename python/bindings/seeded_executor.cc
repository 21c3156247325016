#include "seeded_executor.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace xcs::python {
namespace {

PyObject* seed_variable() {
  static PyObject* variable = PyContextVar_New("xcs.completion_seed", nullptr);
  return variable;
}

// On a worker's thread, no exception is being handled.
class NothingHandled {
 public:
  NothingHandled() : outer_(handled_exception()) { handle_exception(Py_None); }
  ~NothingHandled() { handle_exception(outer_.ptr()); }
  NothingHandled(const NothingHandled&) = delete;
  NothingHandled& operator=(const NothingHandled&) = delete;

 private:
  nb::object outer_;
};

}  // namespace

std::optional<std::uint64_t> completion_seed() {
  PyObject* seed = nullptr;
  if (PyContextVar_Get(seed_variable(), nullptr, &seed) != 0) nb::raise_python_error();
  if (seed == nullptr) return std::nullopt;
  return nb::cast<std::uint64_t>(nb::steal(seed));
}

void SeededExecutor::make(Started& started) {
  if (started.call == nullptr) return;
  const NothingHandled nothing;
  std::tie(started.result, started.raised) = started.call->run();
  started.call.reset();
}

void SeededExecutor::start(window::Ticket ticket, std::unique_ptr<window::Call> call) {
  auto* python = dynamic_cast<PythonCall*>(call.get());
  if (python == nullptr)
    throw std::logic_error("only Python callables are made in an order drawn from a seed");
  call.release();
  started_.push_back({ticket, std::unique_ptr<PythonCall>(python), {}, false});
  if (draw(2)) make(started_.back());
}

void SeededExecutor::cancel(window::Ticket ticket) {
  const auto found = std::ranges::find(started_, ticket, &Started::ticket);
  if (found == started_.end()) return;
  if (found->call != nullptr && draw(2)) cancelled_.push_back(std::move(*found));
  started_.erase(found);
}

window::Completion SeededExecutor::take_any() {
  const auto any = started_.begin() + static_cast<std::ptrdiff_t>(random_() % started_.size());
  make(*any);
  window::Completion completion{any->ticket, any->raised, steal_value(std::move(any->result))};
  started_.erase(any);
  return completion;
}

std::vector<window::Completion> SeededExecutor::wait() {
  std::vector<window::Completion> completions;
  do {
    completions.push_back(take_any());
  } while (!started_.empty() && draw(3));
  return completions;
}

std::vector<window::Completion> SeededExecutor::poll() {
  std::vector<window::Completion> completions;
  while (!started_.empty()) completions.push_back(take_any());
  return completions;
}

void SeededExecutor::drain() {
  for (Started& call : std::exchange(cancelled_, {})) make(call);
  started_.clear();
}

void bind_completion_seed(nb::module_& m) { m.attr("completion_seed") = nb::handle(seed_variable()); }

}  // namespace xcs::python
