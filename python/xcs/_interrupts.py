"""Exceptions that come from outside: a signal's handler raised them."""

from __future__ import annotations

import opcode
import signal
import threading

_RAISE = opcode.opmap["RAISE_VARARGS"]


def raised_by_signal(error: BaseException) -> bool:
    """Whether a signal's handler raised the exception, rather than the code that the signal interrupted."""
    if threading.current_thread() is not threading.main_thread():
        return False
    trace = error.__traceback__
    if trace is None:
        return isinstance(error, KeyboardInterrupt)
    codes = [trace.tb_frame.f_code]
    while trace.tb_next is not None:
        trace = trace.tb_next
        codes.append(trace.tb_frame.f_code)
    # Python's own handler of SIGINT leaves no trace, but nor is there a statement that raises.
    if isinstance(error, KeyboardInterrupt) and codes[-1].co_code[trace.tb_lasti] != _RAISE:
        return True
    handlers = [getattr(signal.getsignal(number), "__code__", None) for number in signal.valid_signals()]
    return any(code in handlers for code in codes)
