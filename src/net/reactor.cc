#include "net/reactor.h"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include "base/check.h"
#include "net/loop.h"
#include "net/mailbox.h"

namespace xcs::net {
namespace {

// Descriptors that the rest of the process may want.
constexpr std::size_t kSpareDescriptors = 256;

// Raises the soft limit of open files to the hard one; returns how many may be sockets in flight.
std::size_t raise_descriptor_limit() {
  rlimit limit{};
  const int read = getrlimit(RLIMIT_NOFILE, &limit);
  XCS_CHECK(read == 0, errno);
  if (limit.rlim_cur < limit.rlim_max) {
    const rlimit raised{.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;  // else the soft limit is what there is
  }
  return std::max<std::size_t>(limit.rlim_cur, 2 * kSpareDescriptors) - kSpareDescriptors;
}

std::size_t in_flight_bound(const ReactorOptions& options) {
  const std::size_t descriptors = raise_descriptor_limit();
  return options.max_in_flight == 0 ? descriptors : std::min(options.max_in_flight, descriptors);
}

// Never undone: the rest of the process may use libcurl, too.
void begin_curl() {
  const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  XCS_CHECK(code == CURLE_OK, curl_easy_strerror(code));
}

// Leaves signals to the program's own threads: Ctrl-C has to interrupt whoever waits, not this thread.
void block_signals() {
  sigset_t all;
  sigfillset(&all);
  const int failed = pthread_sigmask(SIG_BLOCK, &all, nullptr);
  XCS_CHECK(failed == 0, failed);
}

class TransferHandle final : public Operation {
 public:
  TransferHandle(std::shared_ptr<Transfer> transfer, std::shared_ptr<Mailbox> mailbox)
      : transfer_(std::move(transfer)), mailbox_(std::move(mailbox)) {}

  ~TransferHandle() override {
    if (!close()) return;
    transfer_->handler = {};
    post_cancel();
  }
  void abandon() override {
    if (close()) post_cancel();
  }

 private:
  // Whether the handler is now the caller's.
  bool close() { return transfer_->gate.close(std::this_thread::get_id() == mailbox_->runner); }
  // A closed mailbox means that the loop has let go of the transfer already.
  void post_cancel() { static_cast<void>(mailbox_->try_post({Command::Kind::kCancel, transfer_})); }

  const std::shared_ptr<Transfer> transfer_;
  const std::shared_ptr<Mailbox> mailbox_;
};

}  // namespace

Reactor::Reactor(ReactorOptions options)
    : mailbox_((begin_curl(), std::make_shared<Mailbox>())),
      loop_(std::make_unique<Loop>(in_flight_bound(options), mailbox_)),
      thread_([this] {
        block_signals();
        loop_->run();
      }) {
  mailbox_->runner = thread_.get_id();
}

Reactor::~Reactor() {
  mailbox_->close();
  thread_.join();
}

Handle Reactor::start(Request request, Handler handler) {
  auto transfer = std::make_shared<Transfer>(std::move(request), std::move(handler));
  auto handle = std::make_unique<TransferHandle>(transfer, mailbox_);
  if (!mailbox_->try_post({Command::Kind::kStart, transfer}) && transfer->gate.try_enter()) {
    transfer->handler.on_done(std::unexpected(Error{
        .kind = ErrorKind::kCancelled, .code = "net.stopped", .message = "the transport is shut down"}));
    transfer->handler = {};
    transfer->gate.leave_closed();
  }
  return handle;
}

ReactorStats Reactor::stats() const { return loop_->stats(); }

void Reactor::catch_up() { mailbox_->catch_up(); }

}  // namespace xcs::net
