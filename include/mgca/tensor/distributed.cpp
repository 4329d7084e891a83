// Process groups and notice boards by libtorch's c10d: the one source file of mgca::distributed, compiled into each program that links it.
// Gloo's headers are not part of libtorch's wheel; gloo_interface/ declares what c10d's own header names of them.
#include <mgca/core/running_time.hpp>
#include <mgca/tensor/process_group.hpp>

#include <torch/csrc/distributed/c10d/HashStore.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#ifdef MGCA_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <exception>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace mgca::detail {

namespace {

using std::chrono::milliseconds;

// The first line of what libtorch says; the rest is a trace of calls.
std::string first_line(const std::exception& error) {
  const std::string text = error.what();
  return text.substr(0, text.find('\n'));
}

template <class Call>
auto as_system_error(const char* what, Call&& call) {
  try {
    return call();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    fail(ErrorKind::system, what, ": ", first_line(error));
  }
}

class C10dStore : public RankStore {
 public:
  explicit C10dStore(c10::intrusive_ptr<c10d::Store> store) : store_(std::move(store)) {}

  void set(const std::string& key, const std::string& value) override {
    const std::lock_guard lock(mutex_);
    as_system_error("the meeting place of the ranks", [&] {
      store_->set(key, std::vector<uint8_t>(value.begin(), value.end()));
      (void)store_->check({key});  // libtorch's set waits for no answer; after this one everybody can read it
    });
  }
  std::optional<std::string> find(const std::string& key) override {
    const std::lock_guard lock(mutex_);
    return as_system_error("the meeting place of the ranks", [&]() -> std::optional<std::string> {
      if (!store_->check({key})) return std::nullopt;
      const auto value = store_->get(key);
      return std::string(value.begin(), value.end());
    });
  }
  std::int64_t add(const std::string& key, std::int64_t amount) override {
    const std::lock_guard lock(mutex_);
    return as_system_error("the meeting place of the ranks", [&] { return store_->add(key, amount); });
  }

  [[nodiscard]] const c10::intrusive_ptr<c10d::Store>& store() const { return store_; }

 private:
  std::mutex mutex_;
  c10::intrusive_ptr<c10d::Store> store_;
};

bool is_loopback(const std::string& address) { return address.starts_with("127.") || address == "::1" || address == "localhost"; }

// The address of a host, and this host's own on the way there.
struct Way {
  std::string there, here;
};

// Throws Error(system).
Way way_to(const std::string& host, std::uint16_t port) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_DGRAM;
  if (const int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found); code != 0) {
    fail(ErrorKind::system, "process group: the host '", host, "' of the meeting place is not known: ", ::gai_strerror(code), "; set MASTER_ADDR to its name or address");
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, &::freeaddrinfo);
  const auto numbers = [](const sockaddr* address, socklen_t length, std::string& to) {
    char text[NI_MAXHOST];
    if (::getnameinfo(address, length, text, sizeof text, nullptr, 0, NI_NUMERICHOST) != 0) return false;
    to = text;
    return true;
  };
  for (const auto* one = found; one != nullptr; one = one->ai_next) {
    const int socket = ::socket(one->ai_family, SOCK_DGRAM, 0);
    if (socket < 0) continue;
    sockaddr_storage own{};
    auto* const here = reinterpret_cast<sockaddr*>(&own);
    socklen_t length = sizeof own;
    const bool known = ::connect(socket, one->ai_addr, one->ai_addrlen) == 0 && ::getsockname(socket, here, &length) == 0;
    ::close(socket);
    if (Way way; known && numbers(one->ai_addr, one->ai_addrlen, way.there) && numbers(here, length, way.here)) return way;
  }
  fail(ErrorKind::system, "process group: no way from this host to '", host, "', the meeting place; check the network, or MASTER_ADDR");
}

// The address under which others reach this host. One whose own name is a loopback address to itself, as some systems write it into /etc/hosts, is that of
// the meeting place and learns from the others how they get there. Throws Error(system).
std::string own_address(c10d::Store& store, const RankAddress& address) {
  const auto way = way_to(address.host, address.port);
  if (is_loopback(address.host)) return way.here;
  const auto key = [](std::int64_t rank) { return "way/" + std::to_string(rank); };
  store.set(key(address.rank), std::vector<uint8_t>(way.there.begin(), way.there.end()));
  for (std::int64_t rank = 0; rank < address.world && is_loopback(way.here); ++rank) {
    const auto there = store.get(key(rank));  // waits for it
    if (const std::string text(there.begin(), there.end()); !is_loopback(text)) return text;
  }
  return way.here;
}

// Gloo's threads write to connections that another rank may have closed. Where nobody handles SIGPIPE, as Python does, that ends the process without a word;
// under this they begin with the signal blocked, and the write is an error as any other.
class WithoutSigpipe {
 public:
  WithoutSigpipe() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~WithoutSigpipe() {
    constexpr timespec now{};
    while (sigismember(&before_, SIGPIPE) == 0 && ::sigtimedwait(&pipe_, nullptr, &now) == SIGPIPE) {  // one of this thread's own
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  WithoutSigpipe(const WithoutSigpipe&) = delete;
  WithoutSigpipe& operator=(const WithoutSigpipe&) = delete;

 private:
  sigset_t pipe_{}, before_{};
};

// Libtorch's record of operations is one for the process, and its table of groups is written without a lock: ranks that are threads take turns.
std::mutex starting;

class C10dGroup : public ProcessGroup {
 public:
  C10dGroup(c10::intrusive_ptr<c10d::Backend> backend, ProcessGroupOptions options, bool on_host)
      : backend_(std::move(backend)), options_(std::move(options)), on_host_(on_host) {}
  ~C10dGroup() override {
    if (failed_ || under_way_ > 0) (void)backend_.release();  // its destructor would wait for ranks that may be lost
  }

  int64_t rank() const override { return backend_->getRank(); }
  int64_t size() const override { return backend_->getSize(); }

  Collective start_sum(const Tensor& tensor) override {
    return started("sum", [&] {
      std::vector<Tensor> tensors{tensor};
      return backend_->allreduce(tensors);
    });
  }
  Collective start_copy(const Tensor& tensor, int64_t from) override {
    return started("copy", [&] {
      std::vector<Tensor> tensors{tensor};
      c10d::BroadcastOptions how;
      how.rootRank = from;
      how.rootTensor = 0;
      return backend_->broadcast(tensors, how);
    });
  }
  Collective start_gather(const Tensor& mine, const Tensor& all) override {
    return started("gather", [&] {
      auto to = all, from = mine;
      return backend_->_allgather_base(to, from);
    });
  }

 private:
  template <class Start>
  Collective started(const char* what, Start&& start) {
    c10::intrusive_ptr<c10d::Work> work;
    try {
      std::unique_lock turn(starting, std::defer_lock);
      if (on_host_) turn.lock();  // where starting waits for nobody
      const torch::NoGradGuard no_grad;
      work = start();
    } catch (const std::exception& error) {
      broken(what, error);
    }
    ++under_way_;
    return Collective([this, what, work] { finish(what, *work); });
  }

  void finish(const char* what, c10d::Work& work) {
    try {
      if (on_host_) wait_on_host(what, work);
      work.wait();
      --under_way_;
    } catch (const Error&) {
      failed_ = true;
      throw;
    } catch (const std::exception& error) {
      broken(what, error);
    }
  }

  void wait_on_host(const char* what, c10d::Work& work) {
    constexpr milliseconds kLook{100};
    RunningTime time(2 * kLook);  // a process that was stopped goes on
    while (!completed(work, kLook)) {
      if (options_.check) options_.check();
      if (time.read() > options_.timeout) {
        fail(ErrorKind::system, "process group: a ", what, " did not come about in ", options_.timeout.count() / 1000, " s; see what the other ranks were doing, or allow a longer timeout");
      }
    }
  }

  // Libtorch tells by an exception that time is over, and by the same that an operation failed, which a wait for what has completed tells again.
  static bool completed(c10d::Work& work, milliseconds patience) {
    try {
      return work.wait(patience);
    } catch (const std::exception&) {
      return work.isCompleted();
    }
  }

  [[noreturn]] void broken(const char* what, const std::exception& error) {
    constexpr milliseconds kLook{50}, kSoon{std::chrono::minutes(1)};
    failed_ = true;
    RunningTime time(4 * kLook);
    while (options_.check && time.read() < std::min(options_.timeout, kSoon)) {  // the network notices first; who it was is known soon
      options_.check();
      std::this_thread::sleep_for(kLook);
    }
    fail(ErrorKind::system, "process group: a ", what, " failed: ", first_line(error), "; all ranks must call the same operations, on tensors of one shape, type and device");
  }

  c10::intrusive_ptr<c10d::Backend> backend_;
  ProcessGroupOptions options_;
  bool on_host_;
  bool failed_ = false;
  std::atomic<std::int64_t> under_way_ = 0;  // started, and not waited for to the end
};

// Attempts that meet at one place do not see each other's words.
std::shared_ptr<C10dStore> words_of_round(const c10::intrusive_ptr<c10d::TCPStore>& place, const std::string& round) {
  return std::make_shared<C10dStore>(c10::make_intrusive<c10d::PrefixStore>("mgca/" + round, place));
}

// A socket that listens on a free port of this host, which nobody from outside reaches. Throws Error(system).
struct OwnSocket {
  int file = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::uint16_t port = 0;

  OwnSocket() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    if (file < 0 || ::bind(file, any, length) != 0 || ::listen(file, SOMAXCONN) != 0 || ::getsockname(file, any, &length) != 0) {
      const std::error_code code(errno, std::generic_category());
      if (file >= 0) ::close(file);
      fail(ErrorKind::system, "process group: no port of 127.0.0.1 to meet at: ", code.message());
    }
    port = ntohs(address.sin_port);
  }
};

}  // namespace

[[gnu::weak]] HostedStore host_store(const std::string& round) {
  return as_system_error("process group: no meeting place could be made", [&] {
    const OwnSocket socket;  // the store closes it
    c10d::TCPStoreOptions options;
    options.port = socket.port;
    options.isServer = true;
    options.waitWorkers = false;
    options.masterListenFd = socket.file;
    return HostedStore{.store = words_of_round(c10::make_intrusive<c10d::TCPStore>("127.0.0.1", options), round), .port = socket.port};
  });
}

[[gnu::weak]] std::shared_ptr<RankStore> connect_store(const RankAddress& address, std::chrono::milliseconds timeout) {
  return as_system_error("process group: no connection to the meeting place of the ranks (MASTER_ADDR and MASTER_PORT: is rank 0 there, and the port free?)", [&] {
    c10d::TCPStoreOptions options;
    options.port = address.port;
    options.isServer = !address.hosted && address.rank == 0;
    options.waitWorkers = false;
    options.multiTenant = true;
    options.timeout = timeout;
    return words_of_round(c10::make_intrusive<c10d::TCPStore>(address.host, options), address.round);
  });
}

[[gnu::weak]] std::shared_ptr<RankStore> local_store() { return std::make_shared<C10dStore>(c10::make_intrusive<c10d::HashStore>()); }

[[gnu::weak]] std::shared_ptr<ProcessGroup> connect_group(const std::shared_ptr<RankStore>& store, const RankAddress& address, torch::Device device,
                                                          const ProcessGroupOptions& options) {
  const auto* board = dynamic_cast<const C10dStore*>(store.get());
  MGCA_CHECK(board != nullptr, "process group: expected a store that connect_store or local_store made");
  const auto rank = static_cast<int>(address.rank), world = static_cast<int>(address.world);
  const auto own = c10::make_intrusive<c10d::PrefixStore>("group/" + options.name, board->store()->clone());
  return as_system_error("process group: the ranks did not find together (do all of them reach each other's hosts?)", [&]() -> std::shared_ptr<ProcessGroup> {
    if (device.is_cuda()) {
#ifdef MGCA_NCCL
      auto how = c10d::ProcessGroupNCCL::Options::create();
      how->timeout = options.timeout;
      return std::make_shared<C10dGroup>(c10::make_intrusive<c10d::ProcessGroupNCCL>(own, rank, world, how), options, /*on_host=*/false);
#else
      fail(ErrorKind::argument, "process group: ", device.str(), " needs NCCL, and this program was built without it; configure with -DMGCA_NCCL=ON, or train on the CPU");
#endif
    }
    const WithoutSigpipe quiet;
    auto how = c10d::ProcessGroupGloo::Options::create(options.timeout);
    how->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname(own_address(*own, address)));
    auto gloo = c10::make_intrusive<c10d::ProcessGroupGloo>(own, rank, world, how);
    gloo->setTimeout(std::chrono::hours(24 * 365));  // from here on our own counts, which a stop of the process does not use up
    return std::make_shared<C10dGroup>(std::move(gloo), options, /*on_host=*/true);
  });
}

}  // namespace mgca::detail
