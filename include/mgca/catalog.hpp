// Names to things. Not part of mgca.hpp: including it instantiates every model of the catalogue.
#pragma once

#include <mgca/catalog/catalog.hpp>
#include <mgca/catalog/choice.hpp>
#include <mgca/catalog/dialects.hpp>
#include <mgca/catalog/image_tower.hpp>
#include <mgca/catalog/infer_model.hpp>
#include <mgca/catalog/model_cost.hpp>
#include <mgca/catalog/presets.hpp>
#include <mgca/catalog/pretrain_recipe.hpp>
#include <mgca/catalog/protocol.hpp>
#include <mgca/catalog/protocols.hpp>
#include <mgca/catalog/start_weights.hpp>
