// Things that pull image and text together.
#pragma once

#include <mgca/align/clip.hpp>
#include <mgca/align/convirt.hpp>
#include <mgca/align/cpa.hpp>
#include <mgca/align/cta.hpp>
#include <mgca/align/gloria.hpp>
#include <mgca/align/groups.hpp>
#include <mgca/align/image_only.hpp>
#include <mgca/align/ita.hpp>
#include <mgca/align/mgca.hpp>
#include <mgca/align/moco.hpp>
#include <mgca/align/model.hpp>
#include <mgca/align/negatives.hpp>
#include <mgca/align/simclr.hpp>
#include <mgca/align/supervised.hpp>
#include <mgca/align/terms.hpp>
#include <mgca/align/towers.hpp>
