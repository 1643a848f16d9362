#include "tests/support/faulty_stoker.hpp"

#include <fcntl.h>
#include <sys/mman.h>

#include <stdexcept>

#include "common/unique_fd.hpp"

namespace stoker::test {

FaultyStoker::FaultyStoker(std::vector<std::string> flags) : StokerProcess(std::move(flags)) {
    const auto file = (data() / "faults").string();
    const UniqueFd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!fd || ::ftruncate(fd.get(), sizeof(stoker_faults)) != 0) throw std::runtime_error(file);
    void* mapped =
        ::mmap(nullptr, sizeof(stoker_faults), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    if (mapped == MAP_FAILED) throw std::runtime_error("mmap " + file);
    faults_ = static_cast<stoker_faults*>(mapped);
    set_environment({"LD_PRELOAD=" STOKER_TEST_FAULTS_LIBRARY, "STOKER_TEST_FAULTS=" + file});
}

FaultyStoker::~FaultyStoker() { ::munmap(faults_, sizeof(stoker_faults)); }

void FaultyStoker::fail_disk(std::string_view only, int sync_errno, int write_errno) {
    // What is to fail may only change while nothing fails: an empty `only` is every file.
    mend_disk();
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    std::memset(faults_->only, 0, sizeof faults_->only);
    only.copy(faults_->only, sizeof faults_->only - 1);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    faults_->sync_errno = sync_errno;
    faults_->write_errno = write_errno;
}

}  // namespace stoker::test
