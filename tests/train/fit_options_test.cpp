#include "catch.hpp"
#include "expect_error.hpp"
#include "toy_run.hpp"

TEST_CASE("fit_options: every option is either compared when a run resumes or free to change", "[train][fast]") {
  const mgca::FitOptions options;
  const auto deciding = mgca::deciding_options(options);
  std::set<std::string> rest;
  for (const auto& row : mgca::option_table(options)) {
    if (!deciding.contains(row.path)) rest.insert(row.path);
  }
  CHECK(rest == std::set<std::string>{"report_every", "checkpoint_every", "keep_checkpoints", "patience_non_finite", "gradients.bucket_bytes"});
  for (const auto* path : {"epochs", "schedule.rate", "schedule.kind", "optimizer.weight_decay", "accumulation", "precision", "seed", "gradients.compress"}) {
    INFO(path);
    CHECK(deciding.contains(path));
  }
  auto changed = options;
  changed.optimizer.clip_norm = 1;
  CHECK(mgca::deciding_options(changed) != deciding);
}

TEST_CASE("fit_options: survive the way through JSON", "[train][fast]") {
  mgca::FitOptions options;
  options.epochs = 3;
  options.precision = mgca::Precision::bf16;
  options.schedule.kind = mgca::ScheduleKind::constant;
  const auto back = mgca::from_json_text<mgca::FitOptions>(mgca::to_json_text(options), "test");
  CHECK(mgca::differences(options, back).empty());
}

TEST_CASE("fit_options: values that make no sense are refused before anything is trained", "[train][fast]") {
  const auto refused = [](auto change, std::initializer_list<std::string_view> pieces) {
    const mgca::test::ToyData data;
    const mgca::Loader<mgca::test::ToyData> batches(data, {.batch_size = 8, .threads = 0});
    mgca::test::Trap trap;
    mgca::test::ToyTask task{.trap = &trap};
    mgca::FitOptions options;
    change(options);
    mgca::test::expect_error([&] { (void)mgca::fit(task, batches, options); }, pieces);
    CHECK(trap.passed == 0);
  };
  refused([](auto& o) { o.accumulation = 0; }, {"accumulation", "0"});
  refused([](auto& o) { o.epochs = -1; }, {"epochs", "-1"});
  refused([](auto& o) { o.report_every = 0; }, {"report_every", "0"});
  refused([](auto& o) { o.keep_checkpoints = 1; }, {"keep_checkpoints", "2 or more", "1"});
  refused([](auto& o) { o.optimizer.beta2 = 1; }, {"betas", "1"});
  refused([](auto& o) { o.schedule.warmup_fraction = 2; }, {"warmup_fraction", "2"});
  refused([](auto& o) { o.precision = mgca::Precision::f16; }, {"f16", "CPU"});
  if (!mgca::cpu_has_fast_bf16()) refused([](auto& o) { o.precision = mgca::Precision::bf16; }, {"bf16", "AVX-512", "use f32"});
}
