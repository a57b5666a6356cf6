"""The tools and resources through the SDK's own client, in memory."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import anyio
import jsonschema
import pytest
from mcp.shared.exceptions import MCPError
from PIL import Image

from tests.server.conftest import Serve, Served, error_of, taken_apart
from thinkedit.adapters.base import EditRequest
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.thinkers.scripted import ScriptedThinker
from thinkedit.errors import EditorFailed, UnsupportedEdit
from thinkedit.images import Picture
from thinkedit.server.delivery import PREVIEW_BYTES
from thinkedit.store import Store
from thinkedit.types import Critique, EditResult

pytestmark = pytest.mark.anyio

TOOLS = ["think_edit", "continue_edit", "edit_image", "critique_image", "refine_instruction"]
WARMER = {"instruction": "make it warmer"}


async def test_lists_five_described_tools(serve: Serve) -> None:
    async with serve() as served:
        tools = (await served.client.list_tools()).tools
    assert [tool.name for tool in tools] == TOOLS
    for tool in tools:
        assert tool.title
        assert tool.description
        assert tool.annotations is not None
        assert tool.annotations.destructive_hint is False
        assert tool.annotations.read_only_hint is (tool.name in ("critique_image", "refine_instruction"))
        assert tool.input_schema["additionalProperties"] is False
        for name, parameter in tool.input_schema["properties"].items():
            assert parameter["description"], (tool.name, name)
        jsonschema.Draft202012Validator.check_schema(tool.input_schema)
        assert tool.output_schema is not None
        jsonschema.Draft202012Validator.check_schema(tool.output_schema)
        assert tool.output_schema["type"] == "object"
    assert "pasted into the chat does not reach a tool" in (tools[0].description or "")


async def test_the_instructions_name_configured_models_and_how_pictures_come(serve: Serve) -> None:
    async with serve() as local, serve(transport="http") as remote:
        assert "by path" in (local.client.instructions or "")
        assert "POST /images" in (remote.client.instructions or "")


async def validated(served: Served, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The structured content of a call, checked against the tool's own output schema."""
    schemas = {one.name: one.output_schema for one in (await served.client.list_tools()).tools}
    answer = taken_apart(await served.client.call_tool(tool, arguments))
    schema = schemas[tool]
    assert schema is not None
    jsonschema.validate(answer.data, schema, cls=jsonschema.Draft202012Validator)
    return answer.data


async def test_every_tool_answers_by_its_schema(serve: Serve, garden: str) -> None:
    async with serve() as served:
        session = await validated(served, "think_edit", {"image": garden, **WARMER})
        assert session["status"] == "finished"
        session_id = session["session_id"]
        gone_on = await validated(served, "continue_edit", {"session_id": session_id, "turns": 1})
        assert len(gone_on["turns"]) == len(session["turns"]) + 1
        edited = await validated(served, "edit_image", {"image": garden, "prompt": "colder", "seed": 3})
        assert (edited["prompt"], edited["seed"]) == ("colder", 3)
        pair = {"source": garden, "edited": edited["image"]["uri"], **WARMER}
        assert (await validated(served, "critique_image", pair))["overall"] > 0
        assert (await validated(served, "refine_instruction", pair))["prompt"]
        turn = {"session_id": session_id, "turn": 1}
        assert (await validated(served, "critique_image", turn))["semantic"] == 5.5
        assert (await validated(served, "refine_instruction", turn))["prompt"] == session["turns"][1][
            "prompt"
        ]


async def test_the_structured_result_is_that_of_python(serve: Serve, garden: str) -> None:
    async with serve() as served:
        answer = taken_apart(await served.client.call_tool("think_edit", {"image": garden, **WARMER}))
        there = await served.runner.result(answer.data["session_id"])
        assert answer.data == there.model_dump(mode="json", by_alias=True)
        assert EditResult.model_validate(answer.data).turns == there.turns


async def test_answers_with_preview_link_and_file(serve: Serve, garden: str, tmp_path: Path) -> None:
    async with serve() as served:
        answer = taken_apart(await served.client.call_tool("think_edit", {"image": garden, **WARMER}))
        assert answer.preview is not None
        preview = base64.b64decode(answer.preview.data)
        assert len(preview) <= PREVIEW_BYTES
        shown = Image.open(io.BytesIO(preview))
        assert Image.MIME[shown.format or ""] == answer.preview.mime_type
        assert answer.link is not None
        image = answer.data["image"]
        assert answer.link.uri == image["uri"]
        (contents,) = (await served.client.read_resource(answer.link.uri)).contents
        assert contents.mime_type == image["mime_type"] == "image/png"
        whole = base64.b64decode(contents.blob)  # type: ignore[union-attr]  # bytes come as a blob
        assert hashlib.sha256(whole).hexdigest() == image["uri"].rpartition("/")[2]
        assert len(whole) == image["bytes"] == answer.link.size
        written = Path(image["path"])
        assert written == tmp_path / "results" / "garden-edited.jpg"
        with Image.open(written) as file:
            assert file.format == "JPEG"
            assert file.size == (image["width"], image["height"])
        for fact in (answer.data["session_id"], "satisfied", image["uri"], str(written), "semantic 5.5"):
            assert fact in answer.text


async def test_a_large_preview_is_held_down(serve: Serve, pictures: Path) -> None:
    noise = Image.effect_noise((1600, 1200), 100).convert("RGB")
    noise.save(pictures / "noise.png")
    async with serve() as served:
        result = await served.client.call_tool(
            "edit_image", {"image": str(pictures / "noise.png"), "prompt": "warmer"}
        )
    preview = taken_apart(result).preview
    assert preview is not None
    assert 100_000 < len(base64.b64decode(preview.data)) <= PREVIEW_BYTES


async def test_results_never_replace_a_file(serve: Serve, garden: str, tmp_path: Path) -> None:
    async with serve() as served:
        paths = []
        for _ in range(3):
            answer = taken_apart(await served.client.call_tool("think_edit", {"image": garden, **WARMER}))
            paths.append(Path(answer.data["image"]["path"]).name)
        assert paths == ["garden-edited.jpg", "garden-edited-2.jpg", "garden-edited-3.jpg"]
        picked = {"session_id": answer.data["session_id"], "action": "pick", "turn": 1}
        first = taken_apart(await served.client.call_tool("continue_edit", picked))
        again = taken_apart(await served.client.call_tool("continue_edit", picked))
        assert Path(first.data["image"]["path"]).name == "garden-edited-4.jpg"
        assert first.data["selected_turn"] == 1
        assert again.data["image"]["uri"] == first.data["image"]["uri"]
    assert again.data["image"]["path"] == first.data["image"]["path"]
    assert len(list((tmp_path / "results").iterdir())) == 4


async def test_a_result_that_cannot_be_written_is_still_returned(
    serve: Serve, garden: str, tmp_path: Path
) -> None:
    (tmp_path / "results").write_text("a file where the folder should be")
    async with serve() as served:
        answer = taken_apart(await served.client.call_tool("think_edit", {"image": garden, **WARMER}))
    assert answer.data["image"]["path"] is None
    assert "not written to a file" in answer.text


async def test_pictures_come_by_uri_too(serve: Serve, pictures: Path, tmp_path: Path) -> None:
    data = base64.b64encode((pictures / "garden.jpg").read_bytes()).decode()
    async with serve() as served:
        inline = {"image": f"data:image/jpeg;base64,{data}", "prompt": "warmer"}
        first = taken_apart(await served.client.call_tool("edit_image", inline))
        again = {"image": first.data["source"]["uri"], "prompt": "warmer"}
        second = taken_apart(await served.client.call_tool("edit_image", again))
        by_file = {"image": (pictures / "garden.jpg").as_uri(), "prompt": "warmer"}
        third = taken_apart(await served.client.call_tool("edit_image", by_file))
    assert first.data["image"]["uri"] == second.data["image"]["uri"] == third.data["image"]["uri"]
    assert Path(first.data["image"]["path"]).name == "picture-edited.jpg"


async def test_progress_at_every_node(serve: Serve, garden: str) -> None:
    seen: list[tuple[float, float | None, str]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        seen.append((progress, total, message or ""))

    async with serve() as served:
        result = await served.client.call_tool(
            "think_edit", {"image": garden, "turns": 3, **WARMER}, progress_callback=note
        )
    assert taken_apart(result).data["stop_reason"] == "satisfied"
    values = [progress for progress, _, _ in seen]
    assert values == sorted(set(values))
    assert all(total is not None and progress <= total for progress, total, _ in seen)
    said = " | ".join(message for _, _, message in seen)
    for turn in (1, 2, 3):
        for step in ("editing", "edited", "looking at the result", "scored semantic"):
            assert f"turn {turn} of 3: {step}" in said
    assert "best so far 6.2 of 10" in said
    assert said.endswith("stopped (satisfied); best so far 8.2 of 10")
    assert all(f"session {taken_apart(result).data['session_id']}" in message for _, _, message in seen)


@pytest.mark.parametrize("role", ["editor", "thinker"])
async def test_cancelling_keeps_the_best_so_far_and_can_be_gone_on_with(
    serve: Serve, garden: str, role: str
) -> None:
    """The second turn's editor, or thinker, hangs until it is cancelled."""
    editor = ScriptedEditor(faults={2: "hang"} if role == "editor" else None)
    thinker = ScriptedThinker(faults={2: "hang"} if role == "thinker" else None)
    reached, sessions = anyio.Event(), []
    last = "editing" if role == "editor" else "looking at the result"

    async def note(progress: float, total: float | None, message: str | None) -> None:
        sessions.append((message or "").removeprefix("session ").partition(",")[0].partition(":")[0])
        if f"turn 2 of 4: {last}" in (message or ""):
            reached.set()

    async with serve(editor, thinker) as served:
        async with anyio.create_task_group() as tasks:
            arguments = {"image": garden, "turns": 4, **WARMER}
            tasks.start_soon(lambda: served.client.call_tool("think_edit", arguments, progress_callback=note))
            with anyio.fail_after(10):
                await reached.wait()
            tasks.cancel_scope.cancel()
        session_id = sessions[0]
        (contents,) = (await served.client.read_resource(f"thinkedit://sessions/{session_id}")).contents
        left = EditResult.model_validate_json(contents.text)  # type: ignore[union-attr]  # JSON comes as text
        assert (left.status, left.stop_reason) == ("finished", "cancelled")
        assert left.selected_turn == (1 if role == "editor" else left.turns[0].turn)
        assert left.image is not None
        answer = taken_apart(await served.client.call_tool("continue_edit", {"session_id": session_id}))
    assert answer.data["stop_reason"] == "satisfied"
    assert answer.data["turns"][0]["image"] == json.loads(contents.text)["turns"][0]["image"]  # type: ignore[union-attr]
    assert [turn["turn"] for turn in answer.data["turns"]] == [1, 2, 3]


async def test_stop_and_cancel_from_another_call(serve: Serve, garden: str) -> None:
    reached = anyio.Event()
    sessions: list[str] = []
    answers: list[dict[str, Any]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        sessions.append((message or "").removeprefix("session ").partition(",")[0].partition(":")[0])
        if "turn 2" in (message or ""):
            reached.set()

    async with serve(ScriptedEditor(faults={2: "hang"})) as served:

        async def edit() -> None:
            result = await served.client.call_tool(
                "think_edit", {"image": garden, **WARMER}, progress_callback=note
            )
            answers.append(taken_apart(result).data)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(edit)
            with anyio.fail_after(10):
                await reached.wait()
            cancel = {"session_id": sessions[0], "action": "cancel"}
            answers.append(taken_apart(await served.client.call_tool("continue_edit", cancel)).data)
    assert [answer["stop_reason"] for answer in answers] == ["cancelled", "cancelled"]
    assert all(answer["image"] is not None for answer in answers)


async def test_two_calls_at_once(serve: Serve, garden: str) -> None:
    """Both are in their first edit before either ends, and each gets its own result."""
    both = anyio.Event()
    inside = 0
    answers: dict[str, dict[str, Any]] = {}

    class Meeting(ScriptedEditor):
        async def edit(self, requests: Any, progress: Any = None) -> Any:
            nonlocal inside
            inside += 1
            if inside == 2:
                both.set()
            await both.wait()
            return await super().edit(requests, progress)

    async with serve(Meeting()) as served, anyio.create_task_group() as tasks:

        async def edit(instruction: str) -> None:
            result = await served.client.call_tool(
                "think_edit", {"image": garden, "instruction": instruction}
            )
            answers[instruction] = taken_apart(result).data

        with anyio.fail_after(10):
            async with anyio.create_task_group() as calls:
                calls.start_soon(edit, "make it warmer")
                calls.start_soon(edit, "make it colder")
        tasks.cancel_scope.cancel()
    assert all(answer["instruction"] == instruction for instruction, answer in answers.items())
    assert len({answer["session_id"] for answer in answers.values()}) == 2


async def test_http_callers_get_no_paths(serve: Serve, pictures: Path, tmp_path: Path) -> None:
    async with serve(transport="http") as served:
        image = {"image": str(pictures / "garden.jpg")}  # below --allow, which HTTP honours too
        answer = taken_apart(await served.client.call_tool("think_edit", {**image, **WARMER}))
    assert answer.data["image"]["path"] is None
    assert not (tmp_path / "results").exists()


async def test_a_picture_is_served_under_its_own_type(serve: Serve, garden: str) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (16, 16), "teal").save(stream, "JPEG")
    async with serve(ScriptedEditor(picture=stream.getvalue())) as served:
        answer = taken_apart(await served.client.call_tool("edit_image", {"image": garden, "prompt": "teal"}))
        (contents,) = (await served.client.read_resource(answer.data["image"]["uri"])).contents
    assert contents.mime_type == answer.data["image"]["mime_type"] == "image/jpeg"
    assert base64.b64decode(contents.blob) == stream.getvalue()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "uri",
    [
        f"thinkedit://images/{'0' * 64}",
        "thinkedit://images/..%2f..%2fetc%2fpasswd",
        "thinkedit://images/xyz",
        "thinkedit://sessions/none",
        "thinkedit://sessions/../images",
        "thinkedit://elsewhere/1",
        "file:///etc/passwd",
    ],
)
async def test_unknown_resources_are_not_found(serve: Serve, uri: str) -> None:
    async with serve() as served:
        with pytest.raises(MCPError) as raised:
            await served.client.read_resource(uri)
    assert raised.value.error.code == -32602
    assert "\n" not in raised.value.error.message


async def test_recent_sessions_can_be_read(serve: Serve, garden: str) -> None:
    async with serve() as served:
        made = taken_apart(await served.client.call_tool("think_edit", {"image": garden, **WARMER})).data
        (contents,) = (await served.client.read_resource("thinkedit://sessions")).contents
    assert json.loads(contents.text) == [  # type: ignore[union-attr]
        {key: made[key] for key in ("session_id", "instruction", "status", "stop_reason")}
    ]


async def test_a_failed_session_is_an_answer_with_its_best_picture(serve: Serve, garden: str) -> None:
    thinker = ScriptedThinker(faults=lambda number, request: EditorFailed("lost") if number > 1 else None)
    async with serve(thinker=thinker) as served:
        answer = taken_apart(await served.client.call_tool("think_edit", {"image": garden, **WARMER}))
    assert (answer.data["status"], answer.data["stop_reason"]) == ("failed", "thinker_failed")
    assert answer.data["image"] is not None
    assert answer.preview is not None


async def test_an_unscored_turn_reads_well(serve: Serve, garden: str) -> None:
    async with serve(thinker=ScriptedThinker([Critique(stop=True, reasoning="good enough")])) as served:
        answer = taken_apart(await served.client.call_tool("think_edit", {"image": garden, **WARMER}))
    assert "Turn 1: no scores." in answer.text


class BrokenStore(Store):
    def get(self, sha: str) -> Picture:
        raise RuntimeError("secret detail\nof the machine")


async def test_what_should_not_happen_is_masked(
    serve: Serve, garden: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with serve(store=BrokenStore.in_memory()) as served:
        line = error_of(await served.client.call_tool("edit_image", {"image": garden, "prompt": "x"}))
    assert "secret" not in line
    assert "server's log" in line
    assert "secret detail" in caplog.text


def refusing(number: int, request: EditRequest) -> Exception:
    return UnsupportedEdit("'a hat' is not understood: it can change tone and colour", ("a hat",))


async def test_a_refused_instruction_is_one_line(serve: Serve, garden: str) -> None:
    async with serve(ScriptedEditor(faults=refusing)) as served:
        asked = {"image": garden, "instruction": "add a hat"}
        assert "'a hat' is not understood" in error_of(await served.client.call_tool("think_edit", asked))
        (contents,) = (await served.client.read_resource("thinkedit://sessions")).contents
    assert json.loads(contents.text) == []  # type: ignore[union-attr]


BAD: list[tuple[str, str, dict[str, Any], str]] = [
    ("missing file", "think_edit", {"image": "{P}/none.jpg", **WARMER}, "no such file"),
    ("folder", "think_edit", {"image": "{P}", **WARMER}, "is a folder"),
    ("empty file", "think_edit", {"image": "{P}/empty.jpg", **WARMER}, "is empty"),
    ("text as a picture", "think_edit", {"image": "{P}/text.jpg", **WARMER}, "no picture"),
    ("cut off", "think_edit", {"image": "{P}/cut.jpg", **WARMER}, "cut.jpg"),
    ("outside, absolute", "think_edit", {"image": "{P}/../secret.jpg", **WARMER}, "--allow"),
    ("outside, by URI", "edit_image", {"image": "file://{P}/../secret.jpg", "prompt": "x"}, "--allow"),
    ("outside, by link", "edit_image", {"image": "{P}/link.jpg", "prompt": "x"}, "--allow"),
    (
        "outside, as edited",
        "critique_image",
        {"source": "{P}/garden.jpg", "edited": "/etc/hostname"},
        "--allow",
    ),
    ("hidden", "edit_image", {"image": "{P}/.hidden.jpg", "prompt": "x"}, "hidden"),
    ("not a path", "edit_image", {"image": "", "prompt": "x"}, "no path"),
    ("a NUL", "edit_image", {"image": "{P}/a\0.jpg", "prompt": "x"}, "no path"),
    ("URL", "edit_image", {"image": "https://example.org/a.jpg", "prompt": "x"}, "URL"),
    ("broken data URI", "edit_image", {"image": "data:image/png;base64,!!", "prompt": "x"}, "base64"),
    ("unknown image", "edit_image", {"image": f"thinkedit://images/{'0' * 64}", "prompt": "x"}, "no image"),
    ("no image URI", "edit_image", {"image": "thinkedit://images/12", "prompt": "x"}, "hexadecimal"),
    ("empty instruction", "think_edit", {"image": "{P}/garden.jpg", "instruction": ""}, "is empty"),
    ("blank instruction", "think_edit", {"image": "{P}/garden.jpg", "instruction": " \n"}, "is empty"),
    ("endless", "think_edit", {"image": "{P}/garden.jpg", "instruction": "x" * 100_000}, "100,000"),
    ("control character", "think_edit", {"image": "{P}/garden.jpg", "instruction": "a\x07b"}, "U+0007"),
    ("no instruction", "think_edit", {"image": "{P}/garden.jpg"}, "needs the argument 'instruction'"),
    (
        "unknown argument",
        "think_edit",
        {"image": "{P}/garden.jpg", **WARMER, "turn": 3},
        "did you mean 'turns'",
    ),
    ("too many turns", "think_edit", {"image": "{P}/garden.jpg", **WARMER, "turns": 99}, "'turns'"),
    ("not a number", "think_edit", {"image": "{P}/garden.jpg", **WARMER, "turns": "many"}, "'many'"),
    ("unknown mode", "think_edit", {"image": "{P}/garden.jpg", **WARMER, "mode": "after"}, "'after'"),
    ("unknown editor", "think_edit", {"image": "{P}/garden.jpg", **WARMER, "editor": "x"}, "'x'"),
    ("not text", "think_edit", {"image": 7, **WARMER}, "'image'"),
    ("unknown session", "continue_edit", {"session_id": "none"}, "no session 'none'"),
    ("unknown action", "continue_edit", {"session_id": "none", "action": "fly"}, "'fly'"),
    ("nothing to judge", "critique_image", {}, "session_id"),
    ("half a pair", "refine_instruction", {"source": "{P}/garden.jpg"}, "session_id"),
    ("unknown tool", "paint", {}, "paint"),
]


@pytest.mark.parametrize(
    ("tool", "arguments", "words"), [row[1:] for row in BAD], ids=[row[0] for row in BAD]
)
async def test_bad_input_is_one_clear_line(
    serve: Serve, pictures: Path, tool: str, arguments: dict[str, Any], words: str
) -> None:
    jpeg = (pictures / "garden.jpg").read_bytes()
    for name, data in {"cut": jpeg[:900], "empty": b"", "text": b"hello", ".hidden": jpeg}.items():
        (pictures / f"{name}.jpg").write_bytes(data)
    (pictures.parent / "secret.jpg").write_bytes(jpeg)
    (pictures / "link.jpg").symlink_to(pictures.parent / "secret.jpg")
    filled = {
        name: value.replace("{P}", str(pictures)) if isinstance(value, str) else value
        for name, value in arguments.items()
    }
    async with serve() as served:
        line = error_of(await served.client.call_tool(tool, filled))
    assert words in line


async def test_a_prompt_that_is_json_stays_text(serve: Serve, garden: str) -> None:
    async with serve() as served:
        result = await served.client.call_tool("edit_image", {"image": garden, "prompt": '{"warmth": 2}'})
    assert taken_apart(result).data["prompt"] == '{"warmth": 2}'
