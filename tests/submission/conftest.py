"""Fixtures of all tests of submissions."""

import pytest
from making_zips import run, save_generator, write_photos


@pytest.fixture
def generator(tmp_path):
    """Makes the negative of a picture."""
    return save_generator(tmp_path)


@pytest.fixture
def photos(tmp_path):
    """Three real photographs of 256x256."""
    return write_photos(tmp_path / "photos")


@pytest.fixture
def made(generator, photos, tmp_path):
    """A zip without a fault but for the number of its pictures."""
    return run(generator, photos, tmp_path / "images.zip")
