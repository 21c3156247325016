#include "ledger.h"

namespace xcs::python {
namespace {

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

void Ledger::set_options(const CallOptions& options) {
  options_ = options;
  if (options.budget) budget_ = std::make_shared<llm::Budget>(*options.budget);
}

const std::shared_ptr<llm::Meter>& Ledger::meter_of(const Place& place, const std::string& model) {
  const auto [found, is_new] = found_.try_emplace({place.node, model}, entries_.size());
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
