"""Too little memory, told in one line that says what to lower."""

import contextlib
from collections.abc import Iterator

from pixelart_tf.base.cli import UserError

# What TensorFlow, JAX and the C++ library say; none of them is imported here.
_NAMES = ("ResourceExhaustedError",)
_WORDS = (
    "RESOURCE_EXHAUSTED", "OOM when allocating", "out of memory", "Out of memory", "std::bad_alloc",
    "Cannot parse tensor from proto",   # TensorFlow on a CPU, where there is no room for the constants of a graph
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of Python, TensorFlow or JAX says that there is too little memory, of the machine or a GPU."""
    if isinstance(error, MemoryError) or type(error).__name__ in _NAMES:
        return True
    return any(word in str(error) for word in _WORDS)


@contextlib.contextmanager
def advising(advice: str) -> Iterator[None]:
    """A block in which too little memory becomes a `UserError`.

    Args:
        advice: what to lower, and to what.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise UserError(f"not enough memory: {advice}") from error


def halved(name: str, value: int) -> str:
    """`"lower NAME to N"`, half of what it is; or that it is 1 already."""
    return f"lower {name} to {value // 2}" if value > 1 else f"{name} is 1 already"
