// Numbers from spans: how good a model is, and how sure one can be of it.
#pragma once

#include <mgca/metrics/accuracy.hpp>
#include <mgca/metrics/bootstrap.hpp>
#include <mgca/metrics/calibration.hpp>
#include <mgca/metrics/classification.hpp>
#include <mgca/metrics/compare.hpp>
#include <mgca/metrics/detection.hpp>
#include <mgca/metrics/dice.hpp>
#include <mgca/metrics/grounding.hpp>
#include <mgca/metrics/linear_model.hpp>
#include <mgca/metrics/logistic.hpp>
#include <mgca/metrics/measured_classifier.hpp>
#include <mgca/metrics/paired_bootstrap.hpp>
#include <mgca/metrics/precision_recall.hpp>
#include <mgca/metrics/ranked_scores.hpp>
#include <mgca/metrics/retrieval.hpp>
#include <mgca/metrics/ridge.hpp>
#include <mgca/metrics/roc_auc.hpp>
#include <mgca/metrics/score_table.hpp>
#include <mgca/metrics/text_features.hpp>
