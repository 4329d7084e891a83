// The first byte chooses form and size. A mask that is read is valid, is written and read again equal in every form, and is found
// again in its picture.
#include "fuzz.hpp"

#include <mgca/image/mask.hpp>

using mgca::image::RunForm;
using mgca::test::demand;
namespace image = mgca::image;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr auto forms = std::to_array({RunForm::relative, RunForm::absolute, RunForm::counts, RunForm::compressed});
  const mgca::ImageSize sides{.height = 1 + data[0] / 16, .width = 1 + data[0] / 4 % 4 * 5};
  try {
    const auto mask = image::parse_mask(mgca::test::as_text(data + 1, size - 1), forms[data[0] % 4], sides);
    for (const auto form : forms) demand(image::parse_mask(image::mask_text(mask, form), form, sides) == mask);
    demand(image::mask_of(image::painted(mask).plane()) == mask);
    demand(image::area(mask) <= sides.height * sides.width);
  } catch (const mgca::Error& error) {
    demand(error.kind() == mgca::ErrorKind::data && std::string_view(error.what()).starts_with("run-length mask: "));
  }
  return 0;
}
