"""Every way in which a checkpoint fails to load, provoked for real, gives one line that says what to do."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.models import needed, tiny

pytestmark = [pytest.mark.models, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
torch = needed("torch")
diffusers = needed("diffusers")
transformers = needed("transformers")

from thinkedit.adapters.local.loading import explained, loading, named, parameters_in, resolve, running  # noqa: E402
from thinkedit.adapters.local.residency import NoRoom  # noqa: E402
from thinkedit.errors import EditorFailed, ThinkerFailed  # noqa: E402


def pipeline(where: str | Path) -> None:
    with loading("the model", EditorFailed):
        diffusers.DiffusionPipeline.from_pretrained(str(where))


def said(where: str | Path) -> str:
    with pytest.raises(EditorFailed) as caught:
        pipeline(where)
    assert not caught.value.retryable
    line = str(caught.value)
    assert line.startswith("the model cannot be loaded: ")
    assert "\n" not in line
    return line


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A checkpoint to break."""
    return Path(shutil.copytree(tiny("instruct-pix2pix"), tmp_path / "model"))


def weights(folder: Path) -> Path:
    return next((folder / "unet").glob("*.safetensors"))


def test_a_truncated_weight_file(copy: Path) -> None:
    path = weights(copy)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "half downloaded" in said(copy)
    assert "download it again" in said(copy)


def test_an_empty_weight_file(copy: Path) -> None:
    weights(copy).write_bytes(b"")
    assert "download it again" in said(copy)


def test_a_missing_weight_file(copy: Path) -> None:
    weights(copy).unlink()
    assert "download it again" in said(copy)


def test_a_missing_part(copy: Path) -> None:
    shutil.rmtree(copy / "vae")
    assert "download it again" in said(copy)


def test_a_damaged_configuration(copy: Path) -> None:
    (copy / "unet" / "config.json").write_text('{"half')
    assert "download it again" in said(copy)


def test_a_thinker_with_a_missing_shard(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny("qwen3-vl"), tmp_path / "model"))
    path = next(folder.glob("*.safetensors"))
    index = {"metadata": {}, "weight_map": {"model.a": "model-00001-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    path.unlink()
    with pytest.raises(ThinkerFailed, match="download it again"), loading("it", ThinkerFailed):
        transformers.AutoModelForImageTextToText.from_pretrained(str(folder))


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(EditorFailed, match="no such folder"):
        resolve(str(tmp_path / "nothing"), "model_index.json", None, EditorFailed)


def test_a_folder_of_another_kind() -> None:
    with pytest.raises(
        EditorFailed, match=r"has no model_index.json; it has config.json, so it is one model"
    ):
        resolve(str(tiny("qwen3-vl")), "model_index.json", None, EditorFailed)
    with pytest.raises(
        ThinkerFailed, match=r"has no config.json; it has model_index.json, so it is a diffusers"
    ):
        resolve(str(tiny("flux-kontext")), "config.json", None, ThinkerFailed)


def test_a_name_that_is_neither_folder_nor_id() -> None:
    with pytest.raises(EditorFailed, match="neither a folder nor an id"):
        resolve("what is this?", "model_index.json", None, EditorFailed)


def test_an_id_while_offline() -> None:
    line = said("nobody/no-such-model")
    assert "check the id and the network" in line


class Hub(BaseHTTPRequestHandler):
    """A Hub that answers as it is told."""

    status, headers_, body = 404, dict[str, str](), b"{}"

    def do_HEAD(self) -> None:
        self.send_response(self.status)
        for name, value in self.headers_.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()

    def do_GET(self) -> None:
        self.do_HEAD()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[type[Hub]]:
    """A Hub on loopback, asked by the real client, whose constants are read at import."""
    kind = type("ThisHub", (Hub,), {})
    server = HTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    constants = needed("huggingface_hub").constants
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(
        constants,
        "HUGGINGFACE_CO_URL_TEMPLATE",
        constants.ENDPOINT + "/{repo_id}/resolve/{revision}/{filename}",
    )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    yield kind
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("status", "headers", "says"),
    [
        (
            401,
            {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository Not Found"},
            "has no such model",
        ),
        (403, {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access is restricted"}, "accept its licence"),
        (404, {"X-Error-Code": "RevisionNotFound", "X-Error-Message": "Invalid rev"}, "not this revision"),
        (418, {}, "try again later"),
    ],
)
def test_what_the_hub_says(
    hub: type[Hub], status: int, headers: dict[str, str], says: str, tmp_path: Path
) -> None:
    hub.status, hub.headers_ = status, headers
    download = needed("huggingface_hub").hf_hub_download
    with pytest.raises(EditorFailed, match=says), loading("owner/name", EditorFailed):
        download(
            "owner/name",
            "model_index.json",
            endpoint=needed("huggingface_hub").constants.ENDPOINT,
            cache_dir=tmp_path,
        )


def test_out_of_memory_in_loading_and_in_a_pass() -> None:
    full = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
    assert "out of memory" in explained(full)
    says = r'ran out of memory: set placement = "model_offload"'
    with pytest.raises(EditorFailed, match=says), running("it", EditorFailed):
        raise full
    with pytest.raises(ThinkerFailed, match="it does not fit: much too large"), running("it", ThinkerFailed):
        raise NoRoom("much too large")
    with pytest.raises(ZeroDivisionError), running("it", ThinkerFailed):
        raise ZeroDivisionError


def test_our_own_errors_pass_as_they_are() -> None:
    with pytest.raises(ThinkerFailed, match=r"^as it is$"), loading("it", EditorFailed):
        raise ThinkerFailed("as it is")


def test_parameters_are_counted_from_the_headers(copy: Path) -> None:
    counted = parameters_in(copy)
    unet = diffusers.UNet2DConditionModel.from_pretrained(copy / "unet")
    assert counted["unet"] == sum(value.numel() for value in unet.parameters())
    assert set(counted) == {"unet", "vae", "text_encoder"}


def test_a_name_in_an_identity_is_no_path_and_changes_with_the_weights(copy: Path) -> None:
    before = named(str(copy))
    assert before.startswith("model#")
    assert str(copy.parent) not in before
    shutil.copytree(copy, copy.parent / "elsewhere" / "model")
    assert named(str(copy.parent / "elsewhere" / "model")) == before
    path = copy / "model_index.json"
    path.write_text(path.read_text().replace("{", "{ ", 1))
    assert named(str(copy)) != before
    assert named("owner/name") == "owner/name"
    assert named("owner/name", "abc") == "owner/name@abc"
