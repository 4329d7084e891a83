// Reports to token ids.
#pragma once

#include <mgca/text/caption.hpp>
#include <mgca/text/prompts.hpp>
#include <mgca/text/report_sections.hpp>
#include <mgca/text/tokenized_text.hpp>
#include <mgca/text/unicode.hpp>
#include <mgca/text/vocabulary.hpp>
#include <mgca/text/vocabulary_trainer.hpp>
#include <mgca/text/word_map.hpp>
#include <mgca/text/wordpiece.hpp>
