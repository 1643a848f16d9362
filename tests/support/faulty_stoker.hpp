#pragma once

// A Stoker whose disk the test can make fail and whose clock it can set, while it runs.

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/faults.h"
#include "tests/support/stoker_process.hpp"

namespace stoker::test {

class FaultyStoker : public StokerProcess {
public:
    explicit FaultyStoker(std::vector<std::string> flags = {});
    ~FaultyStoker();

    /// Calls on files whose path contains `only` fail with these from now on.
    void fail_disk(std::string_view only, int sync_errno, int write_errno);
    void mend_disk() { faults_->sync_errno = faults_->write_errno = 0; }
    void shift_clock(std::chrono::seconds by) { faults_->clock_shift_s = by.count(); }

private:
    stoker_faults* faults_;
};

}  // namespace stoker::test
