// Things that turn an input into features.
#pragma once

#include <mgca/encoders/bert.hpp>
#include <mgca/encoders/concepts.hpp>
#include <mgca/encoders/densenet.hpp>
#include <mgca/encoders/features.hpp>
#include <mgca/encoders/resnet.hpp>
#include <mgca/encoders/vit.hpp>
