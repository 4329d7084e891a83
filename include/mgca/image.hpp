// Pixels to pixels on host memory.
#pragma once

#include <mgca/image/augment.hpp>
#include <mgca/image/geometry.hpp>
#include <mgca/image/intensity.hpp>
#include <mgca/image/local_contrast.hpp>
#include <mgca/image/mask.hpp>
#include <mgca/image/perceptual_hash.hpp>
#include <mgca/image/polygon.hpp>
#include <mgca/image/resize.hpp>
#include <mgca/image/rle.hpp>
