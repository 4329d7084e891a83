// Things that turn features into answers.
#pragma once

#include <mgca/heads/linear_probe.hpp>
