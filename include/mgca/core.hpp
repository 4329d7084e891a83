// The vocabulary of everything above.
#pragma once

#include <mgca/core/box.hpp>
#include <mgca/core/config.hpp>
#include <mgca/core/enum.hpp>
#include <mgca/core/error.hpp>
#include <mgca/core/event.hpp>
#include <mgca/core/file.hpp>
#include <mgca/core/hash.hpp>
#include <mgca/core/mapped_file.hpp>
#include <mgca/core/nearest.hpp>
#include <mgca/core/parallel.hpp>
#include <mgca/core/plane.hpp>
#include <mgca/core/profile.hpp>
#include <mgca/core/random.hpp>
#include <mgca/core/rank_names.hpp>
#include <mgca/core/ranks.hpp>
#include <mgca/core/running_time.hpp>
#include <mgca/core/suppression.hpp>
#include <mgca/core/utf8.hpp>
