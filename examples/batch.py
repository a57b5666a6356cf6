"""Every picture of a folder by one instruction, several at once, the results beside it.

python examples/batch.py examples/photos "make it a little warmer" /tmp/warmer
"""

import asyncio
import sys
from pathlib import Path

import anyio

from thinkedit import ThinkEditError, load_config, open_runner, think_edit

AT_ONCE = 4


async def main(folder: str, instruction: str, output: str) -> None:
    Path(output).mkdir(parents=True, exist_ok=True)
    pictures = sorted(p for p in Path(folder).iterdir() if p.suffix in (".jpg", ".png"))
    slots = anyio.CapacityLimiter(AT_ONCE)
    async with open_runner(load_config()) as runner, anyio.create_task_group() as tasks:

        async def edit(picture: Path) -> None:
            async with slots:
                try:
                    result = await think_edit(
                        picture, instruction, runner=runner, output=Path(output) / picture.name
                    )
                except ThinkEditError as error:
                    print(f"{picture.name}: {error}")
                else:
                    print(f"{picture.name}: {result.stop_reason}, turn {result.selected_turn}")

        for picture in pictures:
            tasks.start_soon(edit, picture)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
