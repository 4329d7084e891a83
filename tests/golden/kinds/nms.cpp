// Suppression alone.
#include "../case.hpp"
#include "../detections.hpp"

namespace mgca::golden {

namespace {

Answer nms(const Case& one) {
  Answer answer;
  for (const auto& [name, boxes] : one.batch) {
    answer.tensors["kept." + name.substr(name.rfind('.') + 1)] = suppressed(boxes, one.config.at("conf_thres"), one.config.at("nms_thres"));
  }
  return answer;
}

const Kind nms_kind("nms", nms);

}  // namespace

}  // namespace mgca::golden
