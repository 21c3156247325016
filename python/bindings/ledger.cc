#include "ledger.h"

#include <utility>

namespace xcs::python {

std::uint64_t Ledger::last_number_ = 0;

namespace {

thread_local const SpendsOnThread* on_thread = nullptr;

PyObject* variable() {
  static PyObject* variable = PyContextVar_New("xcs.spender", nullptr);
  return variable;
}

std::optional<llm::Price> price_of(const std::string& model) {
  static auto* find = imported("xcs._prices", "price_of").release().ptr();
  const nb::object found = nb::handle(find)(model);
  if (found.is_none()) return std::nullopt;
  return llm::Price{.input = nb::cast<double>(found.attr("input")),
                    .output = nb::cast<double>(found.attr("output")),
                    .cached_input = nb::cast<double>(found.attr("cached_input")),
                    .cache_write = nb::cast<double>(found.attr("cache_write"))};
}

}  // namespace

Spender::Spender(Ledger* ledger, const Place& place)
    : ledger_(ledger == nullptr ? nullptr : ledger->shared_from_this()), place_(place) {}

Spender Spender::in_context() {
  PyObject* found = nullptr;
  if (PyContextVar_Get(variable(), nullptr, &found) != 0) nb::raise_python_error();
  return found == nullptr ? Spender() : nb::cast<Spender>(nb::steal(found));
}

Spender Spender::here() {
  Spender context = in_context();
  if (on_thread == nullptr || on_thread->ledger_ == nullptr) return context;
  const bool within = context.ledger_ != nullptr && context.ledger_->number_ > on_thread->ledger_->number_;
  return within ? context : Spender(on_thread->ledger_, on_thread->place_).within(on_thread->within_);
}

Spender Spender::within(const std::string& path) const {
  Spender spender = *this;
  spender.within_ = path;
  return spender;
}

nb::object Spender::call(const nb::object& f, const nb::args& arguments) const {
  const nb::object token = checked(PyContextVar_Set(variable(), nb::cast(*this).ptr()));
  nb::object result = nb::steal(PyObject_CallObject(f.ptr(), arguments.ptr()));
  nb::object error = result ? nb::object() : take_error();
  if (PyContextVar_Reset(variable(), token.ptr()) != 0) nb::raise_python_error();
  if (result) return result;
  set_error(error.ptr());
  nb::raise_python_error();
}

SpendsOnThread::SpendsOnThread(Ledger* ledger, const Place& place)
    : ledger_(ledger), place_(place), outer_(std::exchange(on_thread, this)) {}
SpendsOnThread::~SpendsOnThread() { on_thread = outer_; }

void Spender::take_context() const {
  PyObject* token = PyContextVar_Set(variable(), nb::cast(*this).ptr());
  if (token == nullptr) nb::raise_python_error();
  Py_DECREF(token);
}

void bind_ledger(nb::module_& m) {
  nb::class_<Spender>(m, "Spender", "Whose calls are being made.").def("call", &Spender::call);
}

void Ledger::set_options(const CallOptions& options) {
  options_ = options;
  if (options.budget) budget_ = std::make_shared<llm::Budget>(*options.budget);
}

const std::shared_ptr<llm::Meter>& Ledger::meter_of(const Place& place, const std::string& model) {
  const auto [found, is_new] =
      found_.try_emplace({place.program, place.position.line, place.position.column, model}, entries_.size());
  if (is_new) entries_.push_back({place, model, std::make_shared<llm::Meter>()});
  return entries_[found->second].meter;
}

void Ledger::enter(llm::ChatRequest& request, const Place& place) {
  request.meter = meter_of(place, request.model);
  request.in_flight = options_.in_flight;
  if (!request.hedge) request.hedge = options_.hedge;
  if (budget_ == nullptr) return;
  request.budget = budget_;
  const auto [price, is_new] = prices_.try_emplace(request.model);
  if (is_new) price->second = price_of(request.model);
  request.price = price->second;
}

}  // namespace xcs::python
