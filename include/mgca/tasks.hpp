// Protocols the loop can run, and what follows them.
#pragma once

#include <mgca/tasks/classify.hpp>
#include <mgca/tasks/detect.hpp>
#include <mgca/tasks/explain.hpp>
#include <mgca/tasks/feature_table.hpp>
#include <mgca/tasks/ground.hpp>
#include <mgca/tasks/image_index.hpp>
#include <mgca/tasks/pretrain.hpp>
#include <mgca/tasks/retrieve.hpp>
#include <mgca/tasks/scores.hpp>
#include <mgca/tasks/segment.hpp>
#include <mgca/tasks/tower_use.hpp>
#include <mgca/tasks/train_head.hpp>
#include <mgca/tasks/zero_shot.hpp>
