// What an experiment may say: names that exist, options that are known, numbers in range.
#include "experiment.hpp"
#include "published.hpp"
#include "study.hpp"

#include <mgca/catalog/protocol.hpp>
#include <mgca/core/nearest.hpp>

#include <algorithm>
#include <functional>
#include <set>

namespace experiment {

namespace {

template <class List>
std::vector<std::string> names_in(const List& list) {
  std::vector<std::string> names;
  for (const auto& one : list) names.push_back(one.name);
  return names;
}

template <class List>
const typename List::value_type& named(const List& list, const std::string& name, const char* what) {
  const auto it = std::find_if(list.begin(), list.end(), [&](const auto& one) { return one.name == name; });
  if (it == list.end())
    mgca::fail(mgca::ErrorKind::config, "there is no ", what, " '", name, "'", mgca::nearest_hint(name, names_in(list)));
  return *it;
}

bool folder_name(const std::string& name) {
  return !name.empty() && name.front() != '.' && name.front() != '-' && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '+';
  });
}

class Checker {
 public:
  explicit Checker(const Experiment& experiment) : e_(experiment) {}

  void all() {
    names("data", e_.data);
    names("variants", e_.variants);
    names("evaluations", e_.evaluations);
    names("tables", e_.tables);
    require(!e_.variants.empty(), "variants: there is none");
    require(!e_.seeds.empty() && std::set(e_.seeds.begin(), e_.seeds.end()).size() == e_.seeds.size(),
            "seeds: expected one or more, each once");
    require(e_.workers >= 1 && e_.threads >= 1 && e_.resamples >= 1, "workers, threads and resamples: expected 1 or more");
    if (!e_.reference.empty()) attempt("reference", [&] { (void)variant_named(e_, e_.reference); });
    for (const auto& one : e_.data)
      require(one.path.empty() != one.prepare.empty(), "data/" + one.name + ": expected one of path and prepare");
    for (const auto& one : e_.variants) variant("variants/" + one.name, one);
    for (const auto& one : e_.evaluations) evaluation("evaluations/" + one.name, one);
    for (const auto& one : e_.tables) table("tables/" + one.name, one);
    if (problems_.empty()) return;
    std::string list;
    for (const auto& one : problems_) list += "\n  " + one;
    mgca::fail(mgca::ErrorKind::config, "experiment '", e_.name, "':", list);
  }

 private:
  void require(bool holds, const std::string& problem) {
    if (!holds) problems_.push_back(problem);
  }
  void attempt(const std::string& where, const std::function<void()>& check) {
    try {
      check();
    } catch (const mgca::Error& error) {
      problems_.push_back(where + ": " + error.what());
    }
  }
  template <class List>
  void names(const std::string& where, const List& list) {
    std::set<std::string> seen;
    for (const auto& one : list) {
      require(folder_name(one.name), where + ": '" + one.name + "' cannot name a folder; expected letters, digits, '-', '_', '+' and '.'");
      require(seen.insert(one.name).second, where + ": '" + one.name + "' is there twice");
    }
  }

  void variant(const std::string& where, const Variant& v) {
    require(v.weights.empty() || !v.random, where + ": weights and random exclude each other");
    for (const auto& name : v.evaluations) attempt(where, [&] { (void)evaluation_named(e_, name); });
    auto overrides = e_.overrides;
    overrides.insert(overrides.end(), v.overrides.begin(), v.overrides.end());
    attempt(where, [&] {
      auto config = study::defaults_for({.name = v.model, .overrides = overrides});  // an unknown model or option of it is told here
      if (v.pretrained()) study::apply_overrides(config, e_.set), study::apply_overrides(config, v.set);
    });
    if (v.pretrained()) attempt(where, [&] { (void)data_named(e_, v.data); });
    for (const auto& one : e_.evaluations) {
      require(v.pretrained() || trains(one.task) || !takes_part(v, one),
              where + ": '" + one.name +
                  "' needs a text tower, so a run folder; give the variant epochs 0 in place of random, or list its evaluations without "
                  "that one");
    }
  }

  void evaluation(const std::string& where, const Evaluation& one) {
    attempt(where, [&] { (void)data_named(e_, one.data); });
    require(!one.percents.empty(), where + ": percents: there is none");
    for (const auto percent : one.percents) {
      require(
          percent == 100 || (trains(one.task) && (percent == 1 || percent == 10)),
          where + ": percent " + std::to_string(percent) + ": expected " + (trains(one.task) ? "1, 10 or 100" : "100: nothing is trained"));
    }
    attempt(where, [&] {
      if (one.task == Task::classify)
        changed<mgca::ClassifyProtocol>(one);
      else if (one.task == Task::detect)
        changed<mgca::DetectProtocol>(one);
      else if (one.task == Task::segment)
        changed<mgca::SegmentProtocol>(one);
      else if (!one.set.empty())
        mgca::fail(mgca::ErrorKind::config, "set: ", mgca::to_string(one.task), " trains nothing and has no --set; use options");
    });
  }
  template <class Recipe>
  static void changed(const Evaluation& one) {
    Recipe recipe;
    mgca::apply_overrides(recipe, one.set);
  }

  void table(const std::string& where, const TableSpec& t) {
    if (!t.reference.empty()) attempt(where, [&] { (void)variant_named(e_, t.reference); });
    require(!t.columns.empty(), where + ": columns: there is none");
    for (const auto& row : t.rows) {
      if (!row.variant.empty()) attempt(where, [&] { (void)variant_named(e_, row.variant); });
      require(!row.variant.empty() || !row.published.empty(), where + ": a row says neither a variant nor a published one");
      require(row.published.empty() || !t.published.empty(), where + ": a row is published, the table says no published table");
    }
    for (const auto& column : t.columns) {
      attempt(where, [&] {
        const auto& of = evaluation_named(e_, column.evaluation);
        if (std::find(of.percents.begin(), of.percents.end(), column.percent) == of.percents.end()) {
          mgca::fail(mgca::ErrorKind::config, "column '", column.title, "': evaluation '", of.name, "' is not done at ", column.percent,
                     " percent");
        }
      });
      require(!column.row.empty() && !column.measure.empty(), where + ": column '" + column.title + "' says no row or no measure");
      require(column.digits >= 0 && column.digits <= 9, where + ": column '" + column.title + "': digits: expected 0 to 9");
      for (const auto& row : t.rows) {
        if (!row.published.empty() && !column.published.empty())
          attempt(where, [&] { (void)published::value(t.published, row.published, column.published); });
      }
    }
  }

  const Experiment& e_;
  std::vector<std::string> problems_;
};

}  // namespace

void Experiment::validate() const { Checker(*this).all(); }

const Data& data_named(const Experiment& all, const std::string& name) { return named(all.data, name, "data"); }
const Variant& variant_named(const Experiment& all, const std::string& name) { return named(all.variants, name, "variant"); }
const Evaluation& evaluation_named(const Experiment& all, const std::string& name) { return named(all.evaluations, name, "evaluation"); }

bool takes_part(const Variant& variant, const Evaluation& evaluation) {
  return variant.evaluations.empty() ||
         std::find(variant.evaluations.begin(), variant.evaluations.end(), evaluation.name) != variant.evaluations.end();
}

std::string reference_of(const Experiment& all, const TableSpec& table) {
  return table.reference.empty() ? all.reference : table.reference;
}

std::vector<Row> rows_of(const Experiment& all, const TableSpec& table) {
  auto rows = table.rows;
  if (rows.empty()) {
    for (const auto& one : all.variants) rows.push_back({.variant = one.name, .title = {}, .published = {}});
  }
  for (auto& row : rows) {
    if (!row.title.empty()) continue;
    row.title = row.published;
    if (row.variant.empty()) continue;
    const auto& variant = variant_named(all, row.variant);
    row.title = variant.title.empty() ? variant.name : variant.title;
  }
  return rows;
}

}  // namespace experiment
