#include "llm/shared_limiter.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <new>

#include "base/check.h"
#include "base/environment.h"

namespace xcs::llm {
namespace {

constexpr std::uint64_t kVersion = 2;
constexpr std::size_t kMostProcesses = 256;
// What was learnt longer ago than this, by processes that are gone, is not believed any more.
constexpr Duration kForgotten = std::chrono::minutes(10);
constexpr Duration kBetweenLooks = std::chrono::seconds(1);  // for processes that died

struct Process {
  pid_t pid = 0;  // 0: nobody
  int in_flight = 0;
};

bool is_alive(pid_t pid) { return kill(pid, 0) == 0 || errno != ESRCH; }

// FNV-1a: a file's name must not tell the key, and need not be hard to guess for who knows it.
std::uint64_t hash_of(std::string_view text, std::uint64_t hash) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

bool belongs_to_user(int descriptor, mode_t kind) {
  struct stat found{};
  return fstat(descriptor, &found) == 0 && (found.st_mode & S_IFMT) == kind && found.st_uid == geteuid() &&
         (found.st_mode & 077) == 0;
}

// A directory that nobody else can write to; empty when there is none.
std::string own_directory(std::string path) {
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return "";
  const int descriptor = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (descriptor < 0) return "";
  const bool fine = belongs_to_user(descriptor, S_IFDIR);
  close(descriptor);
  return fine ? path : "";
}

}  // namespace

struct SharedLimiter::State {
  std::uint64_t version = 0;
  std::uint64_t size = 0;
  pthread_mutex_t mutex;
  Limiter limiter;
  TimePoint used{};
  TimePoint looked{};
  std::array<Process, kMostProcesses> processes{};

  void init(TimePoint now) {
    new (this) State;
    pthread_mutexattr_t shared;
    pthread_mutexattr_init(&shared);
    pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&shared, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&mutex, &shared);
    pthread_mutexattr_destroy(&shared);
    used = now;
    size = sizeof(State);
    version = kVersion;
  }

  // Gives up what processes that died had in flight.
  void forget_the_dead() {
    for (Process& process : processes) {
      if (process.pid == 0 || is_alive(process.pid)) continue;
      limiter.give_up(process.in_flight);
      process = {};
    }
  }

  Process* slot_of(pid_t pid) {
    auto* const own = std::ranges::find(processes, pid, &Process::pid);
    if (own != processes.end()) return &*own;
    auto* const free = std::ranges::find(processes, 0, &Process::pid);
    if (free == processes.end()) return nullptr;
    free->pid = pid;
    return &*free;
  }
};

std::string shared_limits_directory() {
  const char* chosen = environment_variable("XCS_SHARED_LIMITS");
  if (chosen != nullptr && *chosen != '\0')
    return std::string_view(chosen) == "off" ? "" : own_directory(chosen);
  const char* runtime = environment_variable("XDG_RUNTIME_DIR");
  if (runtime != nullptr && *runtime == '/') return own_directory(fmt::format("{}/xcs-limits", runtime));
  return own_directory(fmt::format("/dev/shm/xcs-limits-{}", geteuid()));
}

std::unique_ptr<SharedLimiter> SharedLimiter::open(const std::string& directory, std::string_view group,
                                                   TimePoint now) {
  const std::string path = fmt::format("{}/{:016x}{:016x}", directory, hash_of(group, 0xcbf29ce484222325),
                                       hash_of(group, 0x9ae16a3b2f90404f));
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (descriptor < 0) return nullptr;
  void* mapped = MAP_FAILED;
  if (belongs_to_user(descriptor, S_IFREG) && flock(descriptor, LOCK_EX) == 0 &&
      ftruncate(descriptor, sizeof(State)) == 0) {
    mapped = mmap(nullptr, sizeof(State), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (mapped != MAP_FAILED) {
      auto* state = static_cast<State*>(mapped);
      if (state->version != kVersion || state->size != sizeof(State) || state->used > now) state->init(now);
    }
    flock(descriptor, LOCK_UN);
  }
  close(descriptor);
  if (mapped == MAP_FAILED) return nullptr;
  return std::unique_ptr<SharedLimiter>(new SharedLimiter(static_cast<State*>(mapped)));
}

// What this process still has in flight goes with its calls; the next one that looks gives it up if they did
// not.
SharedLimiter::~SharedLimiter() { munmap(state_, sizeof(State)); }

void SharedLimiter::with_limiter(TimePoint now, const std::function<void(Limiter&)>& f) {
  const int locked = pthread_mutex_lock(&state_->mutex);
  XCS_CHECK(locked == 0 || locked == EOWNERDEAD, locked);
  if (locked == EOWNERDEAD) pthread_mutex_consistent(&state_->mutex);
  if (locked == EOWNERDEAD || now - state_->looked > kBetweenLooks) {
    state_->forget_the_dead();
    state_->looked = now;
  }
  if (now - state_->used > kForgotten && state_->limiter.in_flight() == 0) state_->limiter = Limiter();
  state_->used = std::max(state_->used, now);
  const int before = state_->limiter.in_flight();
  f(state_->limiter);
  if (Process* own = state_->slot_of(getpid())) own->in_flight += state_->limiter.in_flight() - before;
  company_ = std::ranges::any_of(state_->processes,
                                 [](const Process& p) { return p.in_flight > 0 && p.pid != getpid(); });
  pthread_mutex_unlock(&state_->mutex);
}

}  // namespace xcs::llm
