"""Which files a server's caller may name."""

import os
from pathlib import Path

import pytest

from thinkedit.config import Config
from thinkedit.errors import AccessError, ImageError, InputError, ThinkEditError
from thinkedit.images import ImageLimits
from thinkedit.server import access
from thinkedit.server.access import AccessPolicy, is_file_name, local_policy, remote_policy
from thinkedit.types import LoopSettings

LIMITS = ImageLimits()


@pytest.fixture
def outside(tmp_path: Path, pictures: Path) -> Path:
    """A valid picture that no caller may see."""
    secret = tmp_path / "secret.jpg"
    secret.write_bytes((pictures / "garden.jpg").read_bytes())
    return secret


@pytest.fixture
def policy(pictures: Path) -> AccessPolicy:
    return remote_policy([pictures])


def test_reads_a_picture_below_an_allowed_folder(policy: AccessPolicy, pictures: Path) -> None:
    (pictures / "holiday" / "spain").mkdir(parents=True)
    deep = pictures / "holiday" / "spain" / "Sea & Sun 100%.jpg"
    deep.write_bytes((pictures / "garden.jpg").read_bytes())
    for named in (str(deep), deep.as_uri(), f"{pictures}/holiday/../holiday/spain/{deep.name}"):
        loaded = policy.read(named, LIMITS)
        assert loaded.picture.size == (320, 240)
        assert loaded.name == deep.name
        assert loaded.mime_type == "image/jpeg"
        assert loaded.path == os.path.realpath(deep)


def test_reads_through_a_link_that_stays_inside(policy: AccessPolicy, pictures: Path) -> None:
    (pictures / "newest.jpg").symlink_to("garden.jpg")
    assert policy.read(str(pictures / "newest.jpg"), LIMITS).name == "newest.jpg"


def test_a_relative_path_starts_at_the_working_directory(
    policy: AccessPolicy, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pictures)
    assert policy.read("garden.jpg", LIMITS).name == "garden.jpg"


@pytest.mark.parametrize(
    "way", ["absolute", "dots", "uri", "uri with dots", "link", "linked folder", "encoded"]
)
def test_refuses_a_valid_picture_outside(
    policy: AccessPolicy, pictures: Path, outside: Path, way: str
) -> None:
    (pictures / "link.jpg").symlink_to(outside)
    (pictures / "folder").symlink_to(outside.parent)
    named = {
        "absolute": str(outside),
        "dots": f"{pictures}/../{outside.name}",
        "uri": outside.as_uri(),
        "uri with dots": f"file://{pictures}/../{outside.name}",
        "link": str(pictures / "link.jpg"),
        "linked folder": str(pictures / "folder" / outside.name),
        "encoded": f"file://{pictures}/%2e%2e/{outside.name}",
    }[way]
    with pytest.raises(AccessError) as refused:
        policy.read(named, LIMITS)
    assert str(pictures) in str(refused.value)
    assert "--allow" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_says_nothing_about_whether_a_file_outside_exists(policy: AccessPolicy, outside: Path) -> None:
    with pytest.raises(AccessError) as there:
        policy.read(str(outside), LIMITS)
    with pytest.raises(AccessError) as not_there:
        policy.read(str(outside.with_name("nothin.jpg")), LIMITS)
    assert str(there.value).replace(outside.name, "nothin.jpg") == str(not_there.value)


@pytest.mark.parametrize("hidden", [".secret.jpg", ".git/picture.jpg", "a/.b/c.jpg"])
def test_refuses_hidden_files(policy: AccessPolicy, pictures: Path, hidden: str) -> None:
    file = pictures / hidden
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes((pictures / "garden.jpg").read_bytes())
    (pictures / "open.jpg").symlink_to(file)
    for named in (file, pictures / "open.jpg"):
        with pytest.raises(AccessError, match="hidden"):
            policy.read(str(named), LIMITS)


def test_a_hidden_folder_can_be_allowed_itself(pictures: Path) -> None:
    hidden = pictures / ".cache"
    hidden.mkdir()
    (hidden / "a.jpg").write_bytes((pictures / "garden.jpg").read_bytes())
    assert remote_policy([hidden]).read(str(hidden / "a.jpg"), LIMITS).name == "a.jpg"


@pytest.mark.parametrize(
    ("named", "error", "words"),
    [
        ("missing.jpg", ImageError, "no such file"),
        ("", ImageError, "is a folder"),
        ("sub", ImageError, "is a folder"),
        ("empty.jpg", ImageError, "is empty"),
        ("text.jpg", ImageError, "no picture"),
        ("pipe.jpg", ImageError, "no ordinary file"),
        ("garden.jpg/inner.jpg", ImageError, "cannot be read"),
        ("x" * 300 + ".jpg", ImageError, "cannot be read"),
    ],
)
def test_names_what_is_wrong_with_a_file(
    policy: AccessPolicy, pictures: Path, named: str, error: type[ThinkEditError], words: str
) -> None:
    (pictures / "sub").mkdir()
    (pictures / "empty.jpg").touch()
    (pictures / "text.jpg").write_text("hello")
    os.mkfifo(pictures / "pipe.jpg")
    with pytest.raises(error, match=words) as raised:
        policy.read(f"{pictures}/{named}", LIMITS)
    assert "\n" not in str(raised.value)


def test_a_damaged_picture_is_named_by_its_path(policy: AccessPolicy, pictures: Path) -> None:
    cut = pictures / "cut.jpg"
    cut.write_bytes((pictures / "garden.jpg").read_bytes()[:900])
    with pytest.raises(ImageError, match=r"cut\.jpg"):
        policy.read(str(cut), LIMITS)


def test_too_large_a_file_is_not_read(policy: AccessPolicy, pictures: Path) -> None:
    with open(pictures / "big.jpg", "wb") as stream:
        stream.truncate(30_000_000)
    with pytest.raises(ImageError, match=r"30\.0 MB"):
        policy.read(str(pictures / "big.jpg"), LIMITS)


@pytest.mark.parametrize("url", ["https://example.org/a.jpg", "http://127.0.0.1/a.jpg", "ftp://x/a.jpg"])
def test_fetches_no_urls(policy: AccessPolicy, url: str) -> None:
    with pytest.raises(InputError):
        policy.read(url, LIMITS)


def test_a_file_swapped_for_a_link_is_not_followed(
    policy: AccessPolicy, pictures: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check has passed, and then the file, or its folder, becomes a link to the outside."""
    (pictures / "inner").mkdir()
    (pictures / "inner" / outside.name).write_bytes(b"innocent")
    genuine = access._open_below

    def swap_file(root: Path, real: Path) -> int:
        (pictures / "garden.jpg").unlink()
        (pictures / "garden.jpg").symlink_to(outside)
        return genuine(root, real)

    monkeypatch.setattr(access, "_open_below", swap_file)
    with pytest.raises(AccessError, match="became a link"):
        policy.read(str(pictures / "garden.jpg"), LIMITS)

    def swap_folder(root: Path, real: Path) -> int:
        (pictures / "inner").rename(pictures / "old")
        (pictures / "inner").symlink_to(outside.parent)
        return genuine(root, real)

    monkeypatch.setattr(access, "_open_below", swap_folder)
    with pytest.raises(ThinkEditError, match="cannot be read"):
        policy.read(str(pictures / "inner" / outside.name), LIMITS)


def test_no_file_descriptor_is_left_open(policy: AccessPolicy, pictures: Path) -> None:
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    (pictures / "sub").mkdir(exist_ok=True)
    for named in ("garden.jpg", "missing.jpg", "sub", "garden.jpg/x"):
        try:
            policy.read(str(pictures / named), LIMITS)
        except ThinkEditError:
            continue
    after = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    assert after == before


def test_http_callers_may_name_no_file(pictures: Path) -> None:
    with pytest.raises(AccessError, match="POST /images"):
        remote_policy([]).read(str(pictures / "garden.jpg"), LIMITS)


class TestLocalRoots:
    @pytest.fixture
    def home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        home = tmp_path / "people" / "ada"
        home.mkdir(parents=True)
        monkeypatch.setenv("HOME", str(home))
        for name in ("XDG_CONFIG_HOME", "XDG_PICTURES_DIR", "XDG_DOWNLOAD_DIR", "XDG_DESKTOP_DIR"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "temporary"))
        return home

    def test_the_usual_folders(self, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        project = home / "project"
        project.mkdir()
        monkeypatch.chdir(project)
        roots = local_policy([tmp_path / "more"], home / "Pictures" / "thinkedit").roots
        wanted = ("Pictures", "Downloads", "Desktop", "Pictures/thinkedit")
        assert set(roots) == {
            project,
            tmp_path / "temporary",
            tmp_path / "more",
            *(home / name for name in wanted),
        }

    @pytest.mark.parametrize("where", ["/", "home", "above home"])
    def test_not_a_working_directory_that_holds_everything(
        self, home: Path, where: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = {"/": Path("/"), "home": home, "above home": home.parent}[where]
        monkeypatch.chdir(folder)
        assert folder not in local_policy([]).roots

    def test_not_a_desktop_that_is_the_home_folder(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir("/")
        monkeypatch.setattr("platformdirs.user_desktop_dir", lambda: str(home))
        assert home not in local_policy([], output_dir=home).roots

    def test_home_when_it_is_asked_for(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir("/")
        assert home in local_policy([home]).roots


@pytest.mark.parametrize(
    ("image", "is_file"),
    [
        ("a.jpg", True),
        ("file:///a.jpg", True),
        ("https://example.org/a.jpg", False),
        ("HTTP://example.org/a.jpg", False),
        ("ftp://example.org/a.jpg", True),
        ("Thinkedit://images/00", True),
        ("data:image/png;base64,AA==", False),
        ("DATA:image/png;base64,AA==", False),
        ("thinkedit://images/00", False),
        ("", True),
    ],
)
def test_what_names_a_file(image: str, is_file: bool) -> None:
    assert is_file_name(image) is is_file


@pytest.mark.parametrize("name", [None, "photo", "scripted", "mine", "diffusers:usual/model", "chat:usual"])
def test_over_http_a_model_is_one_that_the_operator_named(name: str | None) -> None:
    config = Config(
        models={"mine": {"kind": "photo"}},
        loop=LoopSettings(editor="diffusers:usual/model", thinker="chat:usual"),
    )
    remote_policy([]).check_models(config, name)
    with pytest.raises(AccessError, match=r"'diffusers:huge/model' may not be named over HTTP.*\(mine\)"):
        remote_policy([]).check_models(config, name, "diffusers:huge/model")
    local_policy([]).check_models(config, name, "diffusers:huge/model")
