// Makes a pack of a data set's pictures on all cores. It can be ended at any time and goes on where it was.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/event.hpp>
#include <mgca/core/file.hpp>
#include <mgca/core/hash.hpp>
#include <mgca/core/parallel.hpp>
#include <mgca/data/bad_samples.hpp>
#include <mgca/data/dataset.hpp>
#include <mgca/data/detail/pack_writer.hpp>
#include <mgca/data/pack.hpp>
#include <mgca/io/image_file.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mgca {

struct PackOptions {
  std::int64_t side = 256;  // of the square pictures, pixels
  LocalContrast local_contrast;
  BadSampleRule bad;        // skip and replace both leave a record without a picture: what stands in for it is decided in training
  std::int64_t threads = 0; // 0: as many as the machine has
  const WordPiece* tokenizer = nullptr;  // reports as tokens beside the pictures; none: pictures alone
  Profile profile = Profile::fixed;      // decides which tokens are words
  const std::atomic<bool>* stop = nullptr;
};

struct PackOutcome {
  bool finished = false;     // false: stopped; the next call goes on
  std::int64_t records = 0;  // written in all
  std::int64_t kept = 0;     // of them by earlier calls
  std::map<std::int64_t, std::string> bad;  // reasons by row
};

namespace data {

namespace detail {

[[nodiscard]] inline mgca::detail::PackHeader pack_header_of(std::string list, std::int64_t records, const PackOptions& o) {
  PackContent content{
      .list = std::move(list), .side = o.side, .decoder = std::string(io::kImageBackend), .local_contrast = o.local_contrast, .tokens = {}};
  std::uint64_t token_row = 0;
  if (o.tokenizer != nullptr) {
    content.tokens = PackTokens{.vocabulary = o.tokenizer->vocabulary().content_hash(),
                                .entries = o.tokenizer->vocabulary().size(),
                                .options = o.tokenizer->config(),
                                .profile = o.profile};
    token_row = mgca::detail::TokenRows(*content.tokens).bytes();
  }
  MGCA_CHECK(mgca::detail::PackLayout::possible(static_cast<std::uint64_t>(records), static_cast<std::uint64_t>(o.side), token_row),
             "pack: ", records, " pictures of side ", o.side);
  return {std::move(content), {static_cast<std::uint64_t>(records), static_cast<std::uint64_t>(o.side), token_row}};
}

// Decodes and stores one record at `to`. A picture that cannot be read leaves zeros and goes to the list.
template <Dataset D>
PackEntry pack_record(const D& data, std::int64_t i, std::span<std::byte> to, const PackOptions& o, BadSampleList& bad) {
  const auto& study = data.record(i);
  PackEntry entry{.key = mgca::detail::pack_key(study), .row = study.row};
  try {
    if constexpr (requires { data.image_bytes(i); }) entry.source = checksum(data.image_bytes(i));
    const auto decoded = data.image(i);
    entry.height = static_cast<std::uint32_t>(decoded.height());
    entry.width = static_cast<std::uint32_t>(decoded.width());
    entry.picture = seen(decoded, false).content;
    const auto stored = stored_picture(decoded.plane(), o.side, o.local_contrast);
    std::memcpy(to.data(), stored.pixels().data(), stored.pixels().size());
  } catch (const Error& error) {
    bad.add(study.row, error.what(), error.kind());
    entry.bad = true;
  }
  entry.checksum = checksum(to);
  return entry;
}

template <Dataset D>
std::vector<std::byte> token_rows(const D& data, const mgca::detail::PackHeader& header, const PackOptions& o) {
  std::vector<std::byte> all(header.layout.records * header.layout.token_row);
  if (all.empty()) return all;
  const mgca::detail::TokenRows rows(*header.content.tokens);
  const auto one = [&](std::int64_t i) {
    const auto& study = data.record(i);
    try {
      const auto row = rows.encode(study.report, mgca::detail::tokens_of_report(study.report, *o.tokenizer, o.profile));
      std::memcpy(all.data() + static_cast<std::size_t>(i) * row.size(), row.data(), row.size());
    } catch (const Error& error) {
      fail(error.kind(), "the report of row ", study.row, ": ", error.what());
    }
  };
  parallel_for(data.size(), one, {.threads = o.threads, .grain = 64});
  return all;
}

// Before anything is read: a file that changes later is then known to have.
template <Dataset D>
std::vector<mgca::detail::PackSource> pack_sources(const D& data, std::int64_t threads) {
  std::vector<mgca::detail::PackSource> sources(static_cast<std::size_t>(data.size()));
  const auto one = [&](std::int64_t i) {
    auto& source = sources[static_cast<std::size_t>(i)];
    source.key = mgca::detail::pack_key(data.record(i));
    if constexpr (requires { data.image_stamp(i); }) source.stamp = data.image_stamp(i);
  };
  parallel_for(data.size(), one, {.threads = threads, .grain = 64});
  return sources;
}

// Throws Error(system) before hours of work where they could not be kept.
inline void require_space(const std::filesystem::path& out, std::uint64_t bytes) {
  std::error_code code;
  const auto folder = out.has_parent_path() ? out.parent_path() : std::filesystem::path(".");
  const auto space = std::filesystem::space(folder, code);
  if (code || space.available >= bytes) return;  // what cannot be asked is found out by writing
  fail(ErrorKind::system, out.string(), ": the pack needs ", bytes / 1'000'000 + 1, " MB more, its folder has ",
       space.available / 1'000'000, " MB left; choose another place");
}

}  // namespace detail

// Tells `sink` "pack_progress": done, records, images_per_second and seconds_left. A finished pack of the same data and options under the
// name is left as it is. Throws Error(data) with what differs for one of others, Error naming row and file for a bad picture as options.bad
// says.
template <Dataset D>
PackOutcome pack(const D& data, const std::filesystem::path& out, const PackOptions& options, const EventSink& sink = {},
                 Files& files = posix_files()) {
  using Clock = std::chrono::steady_clock;
  MGCA_CHECK(data.size() > 0, "pack: no record");
  options.local_contrast.validate();
  const auto header = detail::pack_header_of(list_hash(data), data.size(), options);
  PackOutcome outcome{.records = data.size()};
  if (std::filesystem::exists(out)) {
    const ImagePack before(out);
    require_pack_of(before, data, options.side, options.local_contrast);
    std::string list;
    for (const auto& one : differences(before.content(), header.content))
      list += "\n  " + one.path + ": the pack has " + one.left + ", you ask for " + one.right;
    if (!list.empty())
      fail(ErrorKind::data, out.string(), ": there is a pack of other options; remove it, or choose another name. What differs:", list);
    outcome.finished = true;
    outcome.kept = data.size();
    for (std::int64_t i = 0; i < before.size(); ++i) {
      if (before.entry(i).bad) outcome.bad.emplace(before.entry(i).row, "could not be read when the pack was made");
    }
    return outcome;
  }
  const auto tokens = detail::token_rows(data, header, options);  // first: a report that cannot be cut is told before hours of work
  const auto sources = detail::pack_sources(data, options.threads);
  const auto kept = mgca::detail::kept_entries(mgca::detail::PackPaths(out), header, sources, options.bad.policy != BadSamples::fail);
  outcome.kept = static_cast<std::int64_t>(kept.size());
  detail::require_space(out, header.layout.bytes() - header.layout.record(kept.size()));
  BadSampleList bad(options.bad, data.size());
  for (const auto& entry : kept) {
    if (entry.bad) bad.add(entry.row, "could not be read by an earlier attempt");
  }
  mgca::detail::PackWriter writer(files, out, header, kept);
  const auto stride = static_cast<std::int64_t>(header.layout.stride);
  const auto block = 32 * threads_for(data.size(), {.threads = options.threads});  // records between two writes
  const auto stopped = [&] { return options.stop != nullptr && options.stop->load(); };
  std::vector<std::byte> bytes;
  std::vector<PackEntry> entries;
  const auto begin = Clock::now();
  for (auto done = outcome.kept; done < data.size() && !stopped();) {
    const auto count = std::min(block, data.size() - done);
    bytes.assign(static_cast<std::size_t>(count * stride), std::byte{0});
    entries.assign(static_cast<std::size_t>(count), {});
    parallel_for(count,
                 [&](std::int64_t k) {
                   entries[static_cast<std::size_t>(k)] = detail::pack_record(
                       data, done + k, std::span(bytes).subspan(static_cast<std::size_t>(k * stride), static_cast<std::size_t>(stride)),
                       options, bad);
                 },
                 {.threads = options.threads});
    writer.add(bytes, entries, std::span(sources).subspan(static_cast<std::size_t>(done)));
    done += count;
    const double rate =
        static_cast<double>(done - outcome.kept) / std::max(std::chrono::duration<double>(Clock::now() - begin).count(), 1e-9);
    emit(sink, "pack_progress",
         {{"done", done},
          {"records", data.size()},
          {"images_per_second", rate},
          {"seconds_left", static_cast<double>(data.size() - done) / rate}});
  }
  outcome.bad = bad.reasons();
  outcome.records = static_cast<std::int64_t>(writer.written());
  if (outcome.records < data.size()) return outcome;
  writer.finish(tokens);
  outcome.finished = true;
  return outcome;
}

}  // namespace data
}  // namespace mgca
