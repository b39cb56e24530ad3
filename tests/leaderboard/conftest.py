"""Fixtures of all tests of the leaderboard."""

import pytest
from small_boards import board_of, make_sets, refused_of, run_in, scored_of


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    return make_sets(tmp_path_factory.mktemp("sets"))


@pytest.fixture
def run(tmp_path, sets):
    return run_in(tmp_path, sets)


@pytest.fixture
def board(capsys, sets):
    return board_of(capsys, sets)


@pytest.fixture
def scored(board, tmp_path):
    return scored_of(board, tmp_path)


@pytest.fixture
def refused(board):
    return refused_of(board)
