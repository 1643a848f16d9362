#pragma once

// A message as it stands in a topic: {"v":1,"call":"01K…","fn":"01K…"}. The topic says the
// priority. Whatever else stands there (another version's, somebody else's) is none of ours.

#include <optional>
#include <string>
#include <string_view>

#include "queue/message_queue.hpp"

namespace stoker::kafka {

std::string to_text(const Message& message);
std::optional<Message> from_text(std::string_view text, std::uint8_t priority);

}  // namespace stoker::kafka
