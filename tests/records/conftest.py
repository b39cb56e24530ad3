"""Fixtures of all tests of the records command."""

import pytest
from packed_pictures import in_shards, six


@pytest.fixture
def folder(tmp_path):
    return six(tmp_path / "pictures")


@pytest.fixture
def shards(folder, tmp_path):
    return in_shards(folder, tmp_path / "shards")
