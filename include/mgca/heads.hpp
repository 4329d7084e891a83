// Things that turn features into answers.
#pragma once

#include <mgca/heads/linear_probe.hpp>
#include <mgca/heads/setr.hpp>
#include <mgca/heads/unet.hpp>
