"""Too little memory is one line that says what to lower; by real errors of the frameworks."""

import pytest
from keras import ops

from pixelart_tf.base.cli import UserError
from pixelart_tf.base.memory import advising, halved, is_out_of_memory

pytestmark = pytest.mark.keras_only


def test_a_real_error_of_the_backend_is_told():
    with pytest.raises(UserError, match=r"not enough memory: lower `train\.batch_size` to 4"), \
            advising(halved("`train.batch_size`", 8)):
        # 2 ** 58 bytes are more than addresses reach: a machine that promises more than it has cannot promise them.
        ops.convert_to_numpy(ops.add(ops.ones((2**28, 2**28)), 1.0))


def test_pythons_own_is_told_too():
    import numpy as np

    with pytest.raises(UserError, match="not enough memory: lower it"), advising("lower it"):
        np.empty(2**58, np.uint8).fill(1)


def test_other_errors_pass():
    for error in (ValueError("a bug"), UserError("a mistake"), KeyError("x")):
        assert not is_out_of_memory(error)
        with pytest.raises(type(error)), advising("lower it"):
            raise error


def test_what_cannot_be_halved_is_told():
    assert halved("`train.batch_size`", 1) == "`train.batch_size` is 1 already"
