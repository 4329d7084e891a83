#include "catch.hpp"

#include <mgca/train/meter.hpp>

#include <cmath>
#include <limits>

namespace {
mgca::StepResult result(double loss, double accuracy, int64_t samples) {
  return {.loss = torch::tensor(loss), .metrics = {{"accuracy", torch::tensor(accuracy)}}, .samples = samples};
}
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
}  // namespace

TEST_CASE("meter: means are weighted by samples", "[train][fast]") {
  mgca::Meter meter;
  CHECK(meter.means().empty());
  meter.add(result(1, 0.5, 30));
  meter.add(result(4, 1, 10));
  CHECK(meter.means().at("loss") == Approx(1.75));
  CHECK(meter.means().at("accuracy") == Approx(0.625));
  meter.reset();
  CHECK(meter.means().empty());
}

TEST_CASE("meter: a batch without a number spoils the means, or is left out where asked for", "[train][fast]") {
  mgca::Meter strict, lenient(mgca::NonFinite::left_out);
  for (auto* meter : {&strict, &lenient}) {
    meter->add(result(1, 0.5, 10));
    meter->add(result(kNan, 0.1, 10));
    meter->add(result(3, 0.7, 10));
  }
  CHECK(std::isnan(strict.means().at("loss")));
  CHECK(strict.means().at("accuracy") == Approx(1.3 / 3));
  CHECK(lenient.means().at("loss") == Approx(2));
  CHECK(lenient.means().at("accuracy") == Approx(0.6));
  mgca::Meter nothing(mgca::NonFinite::left_out);
  nothing.add(result(kNan, 0, 10));
  CHECK(std::isnan(nothing.means().at("loss")));
}

TEST_CASE("meter: what is read beside the means comes in the same order", "[train][fast]") {
  mgca::Meter meter;
  CHECK(meter.read(torch::tensor({7.0F, 8.0F})).also == std::vector<double>{7, 8});
  meter.add(result(2, 1, 5));
  const auto reading = meter.read(torch::tensor({7.0F, 8.0F}));
  CHECK(reading.also == std::vector<double>{7, 8});
  CHECK(reading.means.at("loss") == 2);
}

TEST_CASE("meter: an empty state is a state, too", "[train][fast]") {
  mgca::Meter empty, after;
  after.load_state(empty.state(), torch::kCPU);
  CHECK(after.means().empty());
  after.add(result(2, 1, 5));
  CHECK(after.means().at("loss") == 2);
}

TEST_CASE("meter: a saved state goes on as if it had not been saved", "[train][fast]") {
  for (const auto non_finite : {mgca::NonFinite::counts, mgca::NonFinite::left_out}) {
    mgca::Meter whole(non_finite), before(non_finite), after(non_finite);
    for (auto* meter : {&whole, &before}) meter->add(result(1.0 / 3, 0.1, 7));
    after.load_state(before.state(), torch::kCPU);
    for (auto* meter : {&whole, &after}) meter->add(result(2.0 / 7, 0.9, 5));
    CHECK(whole.means() == after.means());
    CHECK(before.means() != after.means());  // the states share no memory
  }
}
