// What a study is and where it comes from.
#pragma once

#include <mgca/data/audit.hpp>
#include <mgca/data/data_root.hpp>
#include <mgca/data/dataset.hpp>
#include <mgca/data/fingerprint.hpp>
#include <mgca/data/legacy_random.hpp>
#include <mgca/data/prepared.hpp>
#include <mgca/data/prepared_folder.hpp>
#include <mgca/data/preprocessing.hpp>
#include <mgca/data/raw_folder.hpp>
#include <mgca/data/record.hpp>
#include <mgca/data/sampler.hpp>
#include <mgca/data/sources/object_cxr.hpp>
#include <mgca/data/sources/pairs.hpp>
#include <mgca/data/sources/rsna.hpp>
#include <mgca/data/sources/siim.hpp>
#include <mgca/data/split.hpp>
#include <mgca/data/synthetic.hpp>
