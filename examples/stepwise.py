"""An agent that looks at each turn, overrules the thinker once, and takes the turn that it likes best.

python examples/stepwise.py examples/photos/coffee.png "make it warmer"
"""

import asyncio
import sys

from thinkedit import EditResult, continue_edit, load_config, open_runner, think_edit


def report(result: EditResult) -> None:
    turn = result.turns[-1]
    score = turn.critique.overall if turn.critique else None
    print(f"turn {turn.turn}: {turn.prompt!r}, overall {score}, {result.status.value}")


async def main(image: str, instruction: str) -> None:
    async with open_runner(load_config()) as runner:
        result = await think_edit(image, instruction, runner=runner, pause="turn", threshold=10)
        report(result)
        session = result.session_id

        # Our own eyes: not crisp enough for our taste, whatever the thinker says.
        critique = {
            "semantic": 6,
            "quality": 9,
            "reasoning": "It could be crisper.",
            "next_prompt": f"{instruction} and sharpen it",
        }
        result = await continue_edit(session, "critique", critique=critique, turn=1, runner=runner)
        report(result)

        # Another way from the first turn, as a session of its own; the first stays as it is.
        branch = await continue_edit(
            session, "fork", turn=1, prompt=f"{instruction} and brighten it slightly", runner=runner
        )
        report(branch)

        result = await continue_edit(session, "pick", turn=2, runner=runner)
        print(f"picked turn {result.selected_turn} of {len(result.turns)}: {result.stop_reason}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
