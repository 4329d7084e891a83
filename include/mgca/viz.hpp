// Figures and pages from spans, without libtorch.
#pragma once

#include <mgca/viz/axis.hpp>
#include <mgca/viz/bars.hpp>
#include <mgca/viz/canvas.hpp>
#include <mgca/viz/colormap.hpp>
#include <mgca/viz/curve.hpp>
#include <mgca/viz/heatmap.hpp>
#include <mgca/viz/page.hpp>
#include <mgca/viz/page_file.hpp>
#include <mgca/viz/picture.hpp>
#include <mgca/viz/reliability.hpp>
#include <mgca/viz/words.hpp>
