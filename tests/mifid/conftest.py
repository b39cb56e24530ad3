"""Fixtures of all tests of the mifid command."""

import pytest
from running_mifid import make_sets, refused_of, run_of, scored_of


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    return make_sets(tmp_path_factory.mktemp("sets"))


@pytest.fixture
def run(capsys):
    return run_of(capsys)


@pytest.fixture
def scored(run):
    return scored_of(run)


@pytest.fixture
def refused(run):
    return refused_of(run)
