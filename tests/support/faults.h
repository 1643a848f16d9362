#pragma once

// What faults.c does to the process it is preloaded into; all zero does nothing.

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct stoker_faults {
    int64_t clock_shift_s;  ///< added to the wall clock; monotonic time is left alone
    int32_t sync_errno;     ///< of fsync and fdatasync
    int32_t write_errno;    ///< of write and pwrite
    int32_t injected;       ///< how many calls failed so far
    char only[116];         ///< part of the path of the files meant; empty is every file
};

#ifdef __cplusplus
}
#endif
