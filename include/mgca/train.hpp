// The loop and its accessories.
#pragma once

#include <mgca/train/agreement.hpp>
#include <mgca/train/buffers.hpp>
#include <mgca/train/checkpoint.hpp>
#include <mgca/train/evaluate.hpp>
#include <mgca/train/exchange.hpp>
#include <mgca/train/fit_options.hpp>
#include <mgca/train/gradient_average.hpp>
#include <mgca/train/hooks/early_stop.hpp>
#include <mgca/train/hooks/history.hpp>
#include <mgca/train/hooks/keep_best.hpp>
#include <mgca/train/hooks/remember_best.hpp>
#include <mgca/train/hooks/tensorboard.hpp>
#include <mgca/train/hooks/validate.hpp>
#include <mgca/train/meeting.hpp>
#include <mgca/train/meter.hpp>
#include <mgca/train/optimizer.hpp>
#include <mgca/train/run_lock.hpp>
#include <mgca/train/run_record.hpp>
#include <mgca/train/schedule.hpp>
#include <mgca/train/task.hpp>
#include <mgca/train/trainer.hpp>
#include <mgca/train/watch.hpp>
