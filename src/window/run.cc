#include "window/run.h"

#include "window/machine.h"

namespace xcs::window {

class Run::Impl : public Machine {
 public:
  using Machine::Machine;
};

Run::Run(Host& host, Executor& executor, const Options& options)
    : impl_(std::make_unique<Impl>(host, executor, options)) {}
Run::~Run() = default;

Outcome Run::call(Enter enter) {
  begin(std::move(enter));
  run_on();
  return take();
}

Stop Run::advance() { return impl_->advance(); }
Stop Run::run_on() { return impl_->run_on(); }
const Value& Run::yielded() const { return impl_->yielded(); }
void Run::resume(Value sent) { impl_->resume(std::move(sent)); }
void Run::resume_raising(Value exception) { impl_->resume_raising(std::move(exception)); }
Ticket Run::oldest() const { return impl_->oldest(); }
void Run::interrupt(Value exception) { impl_->interrupt(std::move(exception)); }
void Run::abandon() { impl_->abandon(); }

const Counters& Run::counters() const { return impl_->counters(); }
std::vector<Site> Run::sites() const { return impl_->sites(); }
void Run::begin(Enter enter) { impl_->begin(std::move(enter)); }
bool Run::step() { return impl_->step(); }
Outcome Run::take() { return impl_->take(); }

}  // namespace xcs::window
