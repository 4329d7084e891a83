// Two ranks, threads of this process, add what they have; and one alone keeps it.
#include <mgca/tensor/process_group.hpp>

#include <future>

namespace {

double sum_of(const std::shared_ptr<mgca::RankStore>& store, std::int64_t rank, std::int64_t world) {
  auto number = torch::full({1}, static_cast<double>(rank + 1));
  mgca::connect_group(store, {.rank = rank, .world = world}, torch::kCPU)->sum(number);
  return number.item<double>();
}

}  // namespace

int main() {
  const auto store = mgca::local_store();
  auto other = std::async(std::launch::async, [&] { return sum_of(store, 1, 2); });
  const bool added = sum_of(store, 0, 2) == 3 && other.get() == 3;
  return added && sum_of(mgca::local_store(), 0, 1) == 1 ? 0 : 1;
}
