"""Many edits: lists of jobs, results, and kills."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.graph.kit import SOURCE, running
from thinkedit.adapters.base import EditRequest
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.errors import InputError, UnsupportedEdit
from thinkedit.tools.jobs import Job, read_jobs
from thinkedit.tools.many import edit_many
from thinkedit.types import LoopSettings

ROOT = Path(__file__).parents[2]
USUAL = LoopSettings()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in "abc":
        (tmp_path / f"{name}.png").write_bytes(SOURCE)
    return tmp_path


def written(folder: Path, text: str | bytes, name: str = "jobs.jsonl") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_jsonl_and_csv_say_the_same(folder: Path) -> None:
    lines = [
        {"image": "a.png", "instruction": "make it warmer", "turns": 3},
        {"id": "second", "image": "b.png", "instruction": 'say "hi",\nand brighten it', "output": "x/b.jpg"},
    ]
    listed = read_jobs(written(folder, "\n\n".join(map(json.dumps, lines))), folder, USUAL)
    csv = (
        "\ufeffid,image,instruction,turns,output\n,a.png,make it warmer,3,\n"
        'second,b.png,"say ""hi"",\nand brighten it",,x/b.jpg\n'
    )
    tabled = read_jobs(written(folder, csv, "jobs.csv"), folder, USUAL)
    assert [(job.image.name, job.instruction, job.output) for job in listed] == [
        ("a.png", "make it warmer", None),
        ("b.png", 'say "hi",\nand brighten it', "x/b.jpg"),
    ]
    assert [(job.image, job.instruction, job.output) for job in tabled] == [
        (job.image, job.instruction, job.output) for job in listed
    ]
    assert [job.id for job in listed] == ["1", "second"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"image": "a.png"}', "instruction is missing"),
        ('{"image": "a.png", "instruction": " "}', "instruction is ' '"),
        ('{"image": "a.png", "instruction": 3}', "instruction is 3"),
        ('{"image": "z.png", "instruction": "x"}', "there is no picture"),
        ('{"image": "a.png", "instruction": "x", "turn": 3}', "did you mean 'turns'?"),
        ('{"image": "a.png", "instruction": "x", "turns": 99}', "turns has the value 99"),
        ('{"image": "a.png", "instruction": "x", "output": "../y.png"}', "leaves the folder"),
        ('{"image": "a.png", "instruction": "x", "output": "y.doc"}', "no ending of a picture"),
        ('{"image": "a.png", "instruction": "x", "pause": "turn"}', "there is no field 'pause'"),
        ('{"id": "good", "image": "a.png", "instruction": "x"}', "is that of line 1 too"),
        ("[1, 2]", "give an object"),
        ("{", "is no JSON"),
    ],
)
def test_every_fault_is_said_with_its_line(folder: Path, line: str, said: str) -> None:
    good = '{"id": "good", "image": "a.png", "instruction": "x"}'
    with pytest.raises(InputError) as raised:
        read_jobs(written(folder, f"{good}\n{line}\n{line}\n"), folder, USUAL)
    lines = str(raised.value).splitlines()
    assert [one.partition(": ")[0] for one in lines] == ["jobs.jsonl, line 2", "jobs.jsonl, line 3"]
    assert said in lines[0]


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (b"", "jobs.jsonl", "has no jobs"),
        (b"image,instruction\n", "jobs.csv", "has no jobs"),
        (b"\xff\xfe{", "jobs.jsonl", "is not UTF-8"),
        (b'image,instruction\n"a.png,x\n', "jobs.csv", "is no CSV"),
        (b"image,instruction\na.png,x,y\n", "jobs.csv", "has 3 cells under 2 headings"),
    ],
)
def test_a_file_that_is_no_list_is_refused(folder: Path, data: bytes, name: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_jobs(written(folder, data, name), folder, USUAL)


def job(folder: Path, name: str, instruction: str = "make it warmer", **more: Any) -> Job:
    return Job(name, folder / f"{name}.png", instruction, **more)


@pytest.mark.anyio
async def test_one_that_cannot_be_run_stops_no_other(folder: Path) -> None:
    (folder / "b.png").write_bytes(b"no picture")

    def dragons(number: int, request: EditRequest) -> Exception | None:
        return UnsupportedEdit("no dragons", words=("dragon",)) if "dragon" in request.prompt else None

    jobs = [job(folder, "a"), job(folder, "b"), job(folder, "c", "add a dragon")]
    out = folder / "out"
    async with running(ScriptedEditor(size="tiny", faults=dragons)) as runner:
        done = await edit_many(jobs, out, runner=runner)
        assert [result.status for result in done.results] == ["finished", "error", "error"]
        assert (done.left, done.skipped) == (0, 0)
        assert "b.png" in str(done.results[1].error)
        assert done.results[2].error == "no dragons"
        assert (out / "a-edited.png").is_file()
        again = await edit_many(jobs, out, runner=runner)
        assert (again.skipped, again.results) == (3, done.results)
        (folder / "b.png").write_bytes(SOURCE)
        retried = await edit_many(jobs, out, runner=runner, retry_failed=True)
        assert [result.status for result in retried.results] == ["finished", "finished", "error"]
        assert retried.skipped == 1
        lines = [json.loads(line)["job"] for line in (out / "results.jsonl").read_text().splitlines()]
        assert sorted(lines) == ["a", "b", "c"]
        with pytest.raises(InputError, match="job 'a' is another than the one that had this id"):
            await edit_many([job(folder, "a", "something else")], out, runner=runner)


@pytest.mark.anyio
async def test_nothing_of_others_is_overwritten(folder: Path) -> None:
    out = folder / "out"
    out.mkdir()
    (out / "a-edited.png").write_bytes(b"somebody's")
    async with running() as runner:
        done = await edit_many(
            [job(folder, "a"), job(folder, "b", output="a-edited.png")], out, runner=runner
        )
    assert done.results[0].output == "a-edited-2.png"
    assert "exists already" in str(done.results[1].error)
    assert (out / "a-edited.png").read_bytes() == b"somebody's"


def test_killed_twice_it_goes_on_and_repeats_no_recorded_call(folder: Path) -> None:
    """The models' logs are read as they grow: the kills come after so many calls have ended."""
    lines = [
        {"id": str(n), "image": f"{'abc'[n % 3]}.png", "instruction": f"make it warmer {n}"} for n in range(8)
    ]
    written(folder, "\n".join(map(json.dumps, lines)))
    settings = folder / "thinkedit.toml"
    log = folder / "editor.jsonl"
    settings.write_text(
        f'data = "{folder / "data"}"\n[loop]\neditor = "e"\nthinker = "t"\nturns = 3\nbackoff = 0\n'
        f'[models.e]\nkind = "scripted"\nlatency = 0.05\nslots = 2\nlog = "{log}"\nsize = "tiny"\n'
        f'[models.t]\nkind = "scripted"\nlatency = 0.02\nlog = "{folder / "thinker.jsonl"}"\n'
    )
    command = [
        sys.executable,
        "-m",
        "thinkedit",
        "edit-many",
        str(folder),
        str(folder / "jobs.jsonl"),
        "--json",
    ]
    environment = {**os.environ, "THINKEDIT_CONFIG": str(settings)}

    def ended(path: Path) -> int:
        text = path.read_text() if path.exists() else ""
        return sum(json.loads(line)["event"] == "end" for line in text.splitlines() if line.endswith("}"))

    for calls in (5, 14):
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as running:
            while ended(log) < calls:
                assert running.poll() is None
            running.kill()
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    results = [json.loads(line) for line in (folder / "edited" / "results.jsonl").read_text().splitlines()]
    assert sorted(result["job"] for result in results) == [str(n) for n in range(8)]
    assert all(result["stop_reason"] == "satisfied" for result in results)
    assert len(list((folder / "edited").glob("*.png"))) == 8
    assert ended(log) <= 24 + 2 * 2, "at most the two edits in flight at each kill were made again"
