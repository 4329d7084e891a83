// Radiographs for people: the part a model sees, at a size made for the eye, and where boxes lie in it.
#pragma once

#include "study.hpp"

#include <mgca/core/box.hpp>

#include <vector>

namespace picture {

// The part of the radiograph that the model sees without augmentation, `side` x `side` pixels, from the image file itself.
[[nodiscard]] mgca::GreyImage seen(const study::Study::Source& source, std::int64_t record, std::int64_t side);

// The record's boxes in the pixels of that picture; they may reach beyond its edges.
[[nodiscard]] std::vector<mgca::LabelledBox> boxes(const study::Study::Source& source, std::int64_t record, std::int64_t side);

}  // namespace picture
