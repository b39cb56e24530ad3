"""CRC-32C, the checksum in TFRecord files, on NumPy alone.

Reference: G. Castagnoli et al., IEEE Transactions on Communications 41 (1993); its mask as in TensorFlow's
`tensorflow/core/lib/hash/crc32c.h`.
"""

import functools

import numpy as np

_POLYNOMIAL = 0x82F63B78   # Castagnoli's, the lowest bit first
_ROW = 512                 # bytes that are looked up at a time; their table of 512 kB stays in a core's cache
_ROWS = 256                # of them in one step: an index takes eight times the memory of its byte


def masked(data: bytes) -> int:
    """The checksum as TFRecord files have it: rotated and shifted, as the sum of a sum is a bad one."""
    found = checksum(data)
    return ((found >> 15 | found << 17) + 0xA282EAD8) & 0xFFFFFFFF


def checksum(data: bytes) -> int:
    """CRC-32C of some bytes.

    Without its first inversion the sum is linear: it is the exclusive or of what each byte adds at its distance from
    the end, and zeros in front add nothing. So rows of bytes are looked up at once, and a row's sum goes on as if it
    were the first four bytes of the next row.
    """
    if len(data) < 16:
        state = 0xFFFFFFFF
        for byte in data:
            state = _small_table()[(state ^ byte) & 0xFF] ^ state >> 8
        return state ^ 0xFFFFFFFF
    table, state = _table(), 0
    num_rows = -(-len(data) // _ROW)
    padding = num_rows * _ROW - len(data)
    places = np.arange(_ROW) * 256
    for first in range(0, num_rows, _ROWS):
        rows = min(_ROWS, num_rows - first)
        begin, end = first * _ROW - padding, (first + rows) * _ROW - padding
        piece = np.zeros(rows * _ROW, np.uint8)
        piece[max(0, -begin) :] = np.frombuffer(data, np.uint8)[max(0, begin) : end]
        if not first:
            piece[padding : padding + 4] ^= 0xFF   # the first inversion; 16 bytes are there
        found = np.bitwise_xor.reduce(table[piece.reshape(rows, _ROW) + places], axis=1).tolist()   # (rows,)
        for each in found:
            state = each ^ _advanced(state)
    return state ^ 0xFFFFFFFF


def _advanced(state: int) -> int:
    """The sum of a row that begins with the four bytes of `state` and ends in zeros."""
    a, b, c, d = _first_tables()
    return a[state & 0xFF] ^ b[state >> 8 & 0xFF] ^ c[state >> 16 & 0xFF] ^ d[state >> 24]


@functools.cache
def _small_table() -> list[int]:
    """What a byte adds at the end: the usual table of 256."""
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return table


@functools.cache
def _table() -> np.ndarray:
    """What a byte adds at each place of a row: uint32 (_ROW * 256,)."""
    table = np.empty((_ROW, 256), np.uint32)
    table[-1] = last = np.array(_small_table(), np.uint32)
    for place in range(_ROW - 2, -1, -1):   # a zero more behind it
        table[place] = last[table[place + 1] & 0xFF] ^ table[place + 1] >> 8
    return table.reshape(-1)


@functools.cache
def _first_tables() -> list[list[int]]:
    return _table().reshape(_ROW, 256)[:4].tolist()
