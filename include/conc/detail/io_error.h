// How the throwing forms of conc::io's calls come to throw.
#ifndef CONC_DETAIL_IO_ERROR_H
#define CONC_DETAIL_IO_ERROR_H

#include <system_error>

#include "conc/config.h"

namespace conc::detail {

[[noreturn]] CONC_API void throw_io_error(std::error_code error, const char* call);

template <class Result>
Result io_checked(Result result, const std::error_code& error, const char* call) {
  if (error) [[unlikely]]
    throw_io_error(error, call);
  return result;
}

}  // namespace conc::detail

#endif  // CONC_DETAIL_IO_ERROR_H
