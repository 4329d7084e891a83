// File formats in and out.
#pragma once

#include <mgca/io/csv.hpp>
#include <mgca/io/dicom.hpp>
#include <mgca/io/event_file.hpp>
#include <mgca/io/gzip.hpp>
#include <mgca/io/image_file.hpp>
#include <mgca/io/key_map.hpp>
#include <mgca/io/npy.hpp>
#include <mgca/io/safetensors.hpp>
#include <mgca/io/tensor_info.hpp>
#include <mgca/io/torch_archive.hpp>
#include <mgca/io/torch_archive_writer.hpp>
#include <mgca/io/weight_file.hpp>
