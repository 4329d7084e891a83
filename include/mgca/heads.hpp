// Things that turn features into answers.
#pragma once

#include <mgca/heads/detector.hpp>
#include <mgca/heads/linear_probe.hpp>
#include <mgca/heads/setr.hpp>
#include <mgca/heads/unet.hpp>
#include <mgca/heads/yolo.hpp>
#include <mgca/heads/yolo_loss.hpp>
