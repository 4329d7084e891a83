// Blocks with parameters, named as in the checkpoints.
#pragma once

#include <mgca/nn/batch_norm.hpp>
#include <mgca/nn/bert_embeddings.hpp>
#include <mgca/nn/bert_layer.hpp>
#include <mgca/nn/dense_block.hpp>
#include <mgca/nn/init.hpp>
#include <mgca/nn/linear_projection.hpp>
#include <mgca/nn/local_attention.hpp>
#include <mgca/nn/mlp.hpp>
#include <mgca/nn/patch_embed.hpp>
#include <mgca/nn/projection.hpp>
#include <mgca/nn/residual_block.hpp>
#include <mgca/nn/self_attention.hpp>
#include <mgca/nn/token_norm.hpp>
#include <mgca/nn/vit_block.hpp>
