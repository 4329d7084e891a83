// Pure functions on tensors, one equation each.
#pragma once

#include <mgca/ops/attention.hpp>
#include <mgca/ops/contrast.hpp>
#include <mgca/ops/cross_attention.hpp>
#include <mgca/ops/label_loss.hpp>
#include <mgca/ops/local_similarity.hpp>
#include <mgca/ops/mask_loss.hpp>
#include <mgca/ops/nt_xent.hpp>
#include <mgca/ops/position_table.hpp>
#include <mgca/ops/quantile_clip.hpp>
#include <mgca/ops/sinkhorn.hpp>
#include <mgca/ops/token_contrast.hpp>
#include <mgca/ops/unit.hpp>
#include <mgca/ops/word_pool.hpp>
