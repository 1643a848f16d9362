#pragma once

// Reading calls: the record (with a long poll until it ends), the function's answer, the log, and
// lists: of all, of an app or fn, of the dead. /v2/calls/:id is canonical; Fn's nested paths show
// the same within one fn. Any lane.

#include "api/router.hpp"
#include "api/waiting_reasons.hpp"
#include "datastore/datastore.hpp"
#include "model/call_events.hpp"

namespace stoker {

class CallsApi {
public:
    /// `closing` says that the server shuts down: a long poll then ends with what it has.
    CallsApi(
        Datastore& store, CallEvents& events, WaitingReasons reasons, std::function<bool()> closing
    ) :
        store_(store),
        events_(events),
        reasons_(reasons),
        closing_(std::move(closing)) {}

    void add_routes(Router& router);

private:
    Task<Result<Reply>> get(Exchange& exchange, Scope scope, std::string call_id);
    /// The call, and what holds it if it has not begun to execute.
    Task<Response> show(Call call);
    Task<Result<Call>> wait_for_end(
        Exchange& exchange, Scope scope, std::string id, Deadline until
    );
    enum class Of : std::uint8_t { all, dead };
    Task<Result<Reply>> list_of_fn(Exchange& exchange, std::string fn_id);
    /// In the scope that the query names.
    Task<Result<Reply>> list_in_scope(Exchange& exchange, Of which);
    Task<Result<Reply>> list(Exchange& exchange, Scope scope, Of which);
    Task<Result<Reply>> response(Exchange& exchange, Scope scope, std::string call_id);
    Task<Result<Reply>> log(Exchange& exchange, Scope scope, std::string call_id);

    Datastore& store_;
    CallEvents& events_;
    WaitingReasons reasons_;
    const std::function<bool()> closing_;
};

}  // namespace stoker
