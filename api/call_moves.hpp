#pragma once

// What follows when the datastore moved calls by itself (a sweep, a deletion): those who wait hear
// of it, and the ones that are queued again go to the queue.

#include <vector>

#include "api/outbox.hpp"
#include "datastore/datastore.hpp"
#include "model/call_events.hpp"

namespace stoker {

inline void publish_moves(CallEvents& events, const std::vector<MovedCall>& moved) {
    for (const auto& call : moved) {
        events.publish({call.id, call.fn_id, call.status, call.attempt});
    }
}

inline std::vector<Message> messages_of(const std::vector<MovedCall>& moved) {
    std::vector<Message> messages;
    for (const auto& call : moved) {
        if (call.status != CallStatus::queued) continue;
        messages.push_back({call.id, call.fn_id, static_cast<std::uint8_t>(call.priority)});
    }
    return messages;
}

}  // namespace stoker
