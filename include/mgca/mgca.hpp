// Everything up to the tasks; the catalogue is included by name. For programs, never inside the library.
#pragma once

#include <mgca/align.hpp>
#include <mgca/core.hpp>
#include <mgca/data.hpp>
#include <mgca/encoders.hpp>
#include <mgca/feed.hpp>
#include <mgca/heads.hpp>
#include <mgca/image.hpp>
#include <mgca/io.hpp>
#include <mgca/metrics.hpp>
#include <mgca/nn.hpp>
#include <mgca/ops.hpp>
#include <mgca/tasks.hpp>
#include <mgca/tensor.hpp>
#include <mgca/text.hpp>
#include <mgca/train.hpp>
#include <mgca/version.hpp>
#include <mgca/viz.hpp>
