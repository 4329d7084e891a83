// Pixels to pixels on host memory.
#pragma once

#include <mgca/image/affine.hpp>
#include <mgca/image/augment.hpp>
#include <mgca/image/augmentation.hpp>
#include <mgca/image/blur.hpp>
#include <mgca/image/geometry.hpp>
#include <mgca/image/intensity.hpp>
#include <mgca/image/local_contrast.hpp>
#include <mgca/image/mask.hpp>
#include <mgca/image/perceptual_hash.hpp>
#include <mgca/image/polygon.hpp>
#include <mgca/image/resize.hpp>
#include <mgca/image/rle.hpp>
#include <mgca/image/tone.hpp>
