"""Where settings come from, which wins, and what is said of a bad one."""

from pathlib import Path

import pytest

from thinkedit.config import Config, config_file, load_config
from thinkedit.errors import SettingsError
from thinkedit.types import LoopSettings


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home and working directory, without THINKEDIT_* variables."""
    import os

    for name in list(os.environ):
        if name.startswith(("THINKEDIT_", "XDG_")):
            monkeypatch.delenv(name)
    home, here = tmp_path / "home", tmp_path / "here"
    home.mkdir()
    here.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(here)
    return here


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_without_a_file_the_defaults_hold(nowhere: Path) -> None:
    config = load_config()
    assert config_file() is None
    assert config == Config()
    assert config.data == nowhere.parent / "home/.local/share/thinkedit"
    assert config.store_url == str(config.data / "store")
    assert config.loop == LoopSettings()


def test_the_constructor_reads_neither_file_nor_environment(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(nowhere / "thinkedit.toml", "[loop]\nturns = 9\n")
    monkeypatch.setenv("THINKEDIT_LOOP__SEED", "7")
    assert Config().loop.turns == LoopSettings().turns
    assert Config().loop.seed is None


def test_flags_go_over_variables_over_the_file(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(nowhere / "thinkedit.toml", 'data = "d"\n[loop]\nturns = 9\nthreshold = 6\nseed = 1\n')
    monkeypatch.setenv("THINKEDIT_LOOP__THRESHOLD", "7")
    monkeypatch.setenv("THINKEDIT_LOOP__SEED", "2")
    config = load_config(loop={"seed": 3}, data=None)
    assert (config.loop.turns, config.loop.threshold, config.loop.seed) == (9, 7, 3)
    assert config.data == nowhere / "d"


def test_which_file_is_used(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    users = write(nowhere.parent / "home/.config/thinkedit/thinkedit.toml", "keep_metadata = true\n")
    assert config_file() == users
    local = write(nowhere / "thinkedit.toml", "")
    assert config_file() == local
    assert not load_config().keep_metadata
    by_variable = write(nowhere.parent / "v.toml", "")
    monkeypatch.setenv("THINKEDIT_CONFIG", str(by_variable))
    assert config_file() == by_variable
    by_flag = write(nowhere.parent / "f.toml", "[loop]\nturns = 2\n")
    assert config_file(by_flag) == by_flag
    assert load_config(by_flag).loop.turns == 2


def test_paths_in_the_file_are_relative_to_it(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(
        nowhere.parent / "etc/x.toml",
        'data = "data"\nstore = "pictures"\n[server]\nallow = ["in", "~/more"]\noutput_dir = "/out"\n',
    )
    config = load_config(file)
    etc = nowhere.parent / "etc"
    assert config.data == etc / "data"
    assert config.store_url == str(etc / "pictures")
    assert config.server.allow == [etc / "in", nowhere.parent / "home/more"]
    assert config.server.output_dir == Path("/out")


def test_a_store_url_stays_as_it_is(nowhere: Path) -> None:
    file = write(nowhere / "x.toml", 'store = "s3://bucket/pictures"\n')
    assert load_config(file).store_url == "s3://bucket/pictures"


def test_paths_stay_right_when_the_folder_changes(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = load_config(data=Path("kept"))
    monkeypatch.chdir(nowhere.parent)
    assert config.data == nowhere / "kept"


def test_named_models_keep_their_options(nowhere: Path) -> None:
    file = write(nowhere / "x.toml", '[models.slow]\nkind = "scripted"\nlatency = 0.5\n')
    assert load_config(file).models == {"slow": {"kind": "scripted", "latency": 0.5}}


BAD_FILES = {
    "no TOML": ("[loop\n", "x.toml is not valid TOML"),
    "a wrong value": ("[loop]\nturns = 99\n", "the setting 'loop.turns' has the value 99 (in "),
    "a wrong type": ('[loop]\nturns = "many"\n', "'many'"),
    "a misspelt setting": ("[loop]\ntruns = 3\n", "there is no setting 'loop.truns' (in "),
    "a misspelling gets a suggestion": ("[loop]\ntruns = 3\n", "did you mean 'turns'?"),
    "an unknown setting gets a list": ("wxyz = 1\n", "there are: data, store, database, loop, models"),
    "a table where a list belongs": ("[server.allow]\nx = 1\n", "'server.allow'"),
    "an item of a list": ("[server]\nallow = [1]\n", "the setting 'server.allow.0' has the value 1 (in "),
}


@pytest.mark.parametrize(("text", "said"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_explained_in_one_line(nowhere: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_config(write(nowhere / "x.toml", text))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_text_is_refused(nowhere: Path) -> None:
    (nowhere / "x.toml").write_bytes(b"data = '\xff'\n")
    with pytest.raises(SettingsError, match="not UTF-8 text"):
        load_config(nowhere / "x.toml")


def test_a_named_file_must_be_there(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"--config names 'gone.toml', which is not a file"):
        load_config("gone.toml")
    monkeypatch.setenv("THINKEDIT_CONFIG", "away.toml")
    with pytest.raises(SettingsError, match=r"THINKEDIT_CONFIG names 'away.toml'"):
        load_config()


def test_a_bad_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THINKEDIT_LOOP__TURNS", "99")
    with pytest.raises(SettingsError, match=r"has the value '99' \(from THINKEDIT_LOOP__TURNS\)"):
        load_config()
    monkeypatch.delenv("THINKEDIT_LOOP__TURNS")
    monkeypatch.setenv("THINKEDIT_MODELS", "{")
    with pytest.raises(SettingsError, match="models"):
        load_config()


def test_a_secret_is_not_printed(nowhere: Path) -> None:
    file = write(nowhere / "x.toml", '[models]\napi_key = "sk-123"\n')
    with pytest.raises(SettingsError) as caught:
        load_config(file)
    assert "sk-123" not in str(caught.value)
