// compare.json: what `mgca compare` found, and what the tables of `mgca experiment` read of it.
#pragma once

#include "downstream.hpp"

namespace comparison {

// One line of the comparison.
struct ComparedMeasure {
  std::string row, measure, test;
  std::optional<double> first, second, difference, low, high, p_value, p_holm;
  std::optional<std::int64_t> only_first, only_second;  // McNemar: right by one alone

  static void describe(auto& self, auto&& field) {
    field("row", self.row, "label, or what the mean is over");
    field("measure", self.measure, "what is compared; calls: how often they are right");
    field("test", self.test, "by which test");
    field("first", self.first, "value of the first result");
    field("second", self.second, "of the second");
    field("difference", self.difference, "first minus second");
    field("low", self.low, "of its interval");
    field("high", self.high, "of its interval");
    field("p_value", self.p_value, "two-sided");
    field("p_holm", self.p_holm, "corrected for the number of labels; null for means");
    field("only_first", self.only_first, "pictures on which the first alone is right");
    field("only_second", self.only_second, "on which the second alone is right");
  }
};

struct ComparedSeeds {
  std::vector<std::uint64_t> first, second;
  std::vector<ComparedMeasure> measures;

  static void describe(auto& self, auto&& field) {
    field("first", self.first, "seeds of the first result; several: their mean");
    field("second", self.second, "of the second");
    field("measures", self.measures, "what was found");
  }
};

struct ComparedSide {
  std::string folder, task;
  downstream::WeightsRecord weights;

  static void describe(auto& self, auto&& field) {
    field("folder", self.folder, "of the result");
    field("task", self.task, "that made it");
    field("weights", self.weights, "from which image tower");
  }
};

struct Comparison {
  std::string library;
  ComparedSide first, second;
  std::string data_sha256;
  std::int64_t pictures = 0, patients = 0;
  std::int64_t resamples = 1000;
  double confidence = 0.95;
  std::vector<ComparedSeeds> seeds;   // each pair
  std::optional<ComparedSeeds> mean;  // over the pairs, where there are several

  static void describe(auto& self, auto&& field) {
    field("library", self.library, "version that compared");
    field("first", self.first, "what is compared");
    field("second", self.second, "with what");
    field("data_sha256", self.data_sha256, "of the data");
    field("pictures", self.pictures, "scored by both");
    field("patients", self.patients, "drawn with replacement; 0: not told, pictures are drawn");
    field("resamples", self.resamples, "of the bootstrap");
    field("confidence", self.confidence, "of the intervals");
    field("seeds", self.seeds, "each pair of seeds");
    field("mean", self.mean, "means over the seeds; null with one pair");
  }
};

}  // namespace comparison
