// Host records to batches.
#pragma once

#include <mgca/feed/batch.hpp>
#include <mgca/feed/detection_source.hpp>
#include <mgca/feed/labelled_source.hpp>
#include <mgca/feed/loader.hpp>
#include <mgca/feed/loader_options.hpp>
#include <mgca/feed/mask_source.hpp>
#include <mgca/feed/picture_config.hpp>
#include <mgca/feed/study_source.hpp>
#include <mgca/feed/tokens.hpp>
