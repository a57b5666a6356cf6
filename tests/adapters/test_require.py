"""Whether an extra is there is found without importing it."""

import importlib.util

import pytest

from thinkedit.adapters.require import EXTRAS, require
from thinkedit.errors import MissingExtra


def test_what_is_installed_is_no_fault() -> None:
    require("the core", "numpy", "anyio")


def test_a_missing_package_names_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXTRAS, "no_such_package", "local")
    with pytest.raises(
        MissingExtra, match=r'the editor .diffusers. needs .*pip install "thinkedit\[local\]"'
    ):
        require("the editor 'diffusers'", "numpy", "no_such_package")


def test_every_extra_named_here_is_one_of_the_distribution() -> None:
    import tomllib
    from pathlib import Path

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert set(EXTRAS.values()) <= set(project["optional-dependencies"])
    for package in ("torch", "diffusers", "transformers", "openai"):
        assert importlib.util.find_spec(package) is None or package in EXTRAS
