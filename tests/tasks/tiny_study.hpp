// A tiny model and a few synthetic studies: what every test of a task works on.
#pragma once

#include "vocabulary.hpp"

#include <mgca/align/mgca.hpp>
#include <mgca/data/synthetic.hpp>
#include <mgca/encoders/bert.hpp>
#include <mgca/encoders/vit.hpp>
#include <mgca/feed/study_source.hpp>

namespace mgca::test {

using TinyModel = Mgca<Vit, Bert>;

inline TinyModel tiny_model(Profile profile = Profile::fixed) {
  torch::manual_seed(3);
  return TinyModel({.image = {.image_size = 32, .patch_size = 8, .width = 32, .depth = 2, .heads = 2, .mlp_ratio = 2},
                    .text = {.length = 40, .width = 32, .depth = 1, .heads = 2, .intermediate = 64, .dropout = 0},
                    .head_hidden = 64, .embedding = 32, .prototypes = 8, .profile = profile});
}

struct TinyStudy {
  SyntheticStudies studies{{.count = 24, .seed = 4}};
  WordPiece tokenizer{bert_vocabulary(), {.length = 40}};
  StudySource<SyntheticStudies> source{studies, tokenizer, {.stored_side = 32, .augmentation = {.crop = 32, .random_crop = false}}};
};

}  // namespace mgca::test
