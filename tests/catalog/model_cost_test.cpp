#include "catch.hpp"
#include "small_models.hpp"

#include <mgca/catalog/model_cost.hpp>
#include <mgca/tensor/shapes_only.hpp>

TEST_CASE("model_cost: every model can be counted by its shapes alone, with the counts of a real one", "[catalog][fast]") {
  for (const auto& entry : mgca::Catalog::standard().entries()) {
    INFO(entry.name);
    const auto real = entry.build(entry.small);
    const auto shapes = [&] {
      const mgca::ShapesOnly scope;
      return entry.build(entry.small);
    }();
    const auto a = mgca::cost_of(*real), b = mgca::cost_of(*shapes);
    CHECK(a.parameters == b.parameters);
    CHECK(a.trainable == b.trainable);
    CHECK(a.multiply_adds == b.multiply_adds);
    CHECK(a.multiply_adds > a.trainable);
    CHECK(a.parameters >= a.trainable);
    for (const auto& item : shapes->named_parameters()) {
      INFO(item.key());
      CHECK(item.value().is_meta());
    }
    for (const auto& item : shapes->named_buffers()) {
      INFO(item.key());
      CHECK(item.value().is_meta());
    }
    CHECK(real->parameters().front().is_cpu());
  }
}
