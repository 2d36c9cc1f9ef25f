import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import models  # noqa: E402
import raw_rows  # noqa: E402

import mmoe  # noqa: E402


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def plain_path(folder):
    return models.convert(models.plain(), folder, "plain")


@pytest.fixture(scope="session")
def plain(plain_path):
    return mmoe.Model.load(plain_path)


@pytest.fixture(scope="session")
def large(folder):
    """A model whose rows take some 50 us: long enough to be interrupted."""
    return mmoe.Model.load(models.convert(models.plain(input_dim=256, num_experts=8, expert=(256, 64)), folder, "large"))


@pytest.fixture(scope="session")
def raw_path(folder):
    return models.convert(models.raw(), folder, "raw")


@pytest.fixture(scope="session")
def raw(raw_path):
    return mmoe.Model.load(raw_path)


@pytest.fixture(scope="session")
def expected(raw_path, folder):
    """Scores of raw_rows.ROWS."""
    return raw_rows.score_by_program(raw_path, folder)
