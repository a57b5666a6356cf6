"""`ProvingGroundEditor`: a simulated image editor that fails as real ones do."""

from __future__ import annotations

from collections.abc import Sequence

from thinkedit.adapters.base import EditedImage, EditRequest, Progress
from thinkedit.errors import EditError, EditorFailed, ImageError, SettingsError, UnsupportedEdit
from thinkedit.images import Picture
from thinkedit.provingground import rates, small
from thinkedit.provingground.chance import digest
from thinkedit.provingground.decoding import decode
from thinkedit.provingground.editing import attempt, damaged
from thinkedit.provingground.scene import SMALL

__all__ = ["ProvingGroundEditor"]


class ProvingGroundEditor:
    """An editor of the proving ground's pictures: a simulation.

        ProvingGroundEditor("weak")

    model: `weak`, `middle` or `strong`, in the order of OmniGen2, FLUX.1 Kontext and Qwen-Image-Edit. It
    reads the prompt and the picture and nothing else, so references and masks change nothing. Deterministic
    in (editor, source, prompt, seed); safe to share. A prompt of which it understands nothing changes
    nothing.
    """

    seeded = True

    def __init__(self, model: str = "middle") -> None:
        if model not in rates.EDITORS:
            raise SettingsError(
                f"no editor {model!r} in the proving ground: known: {', '.join(rates.EDITORS)}"
            )
        self.model = model
        self.identity = f"provingground-editor({model})/1"

    def __repr__(self) -> str:
        return f"<ProvingGroundEditor {self.model}>"

    async def edit(
        self, requests: Sequence[EditRequest], progress: Progress | None = None
    ) -> list[EditedImage | EditError]:
        """A picture each; UnsupportedEdit for an empty prompt, EditorFailed for a foreign picture."""
        items: list[EditedImage | EditError] = []
        for request in requests:
            try:
                made = self.make(request.source, request.prompt, request.seed)
                items.append(EditedImage(made, "simulated: no image model took part"))
            except EditError as refused:
                items.append(refused)
            if progress is not None:
                await progress(len(items), len(requests), "edited")
        return items

    def make(self, source: Picture, prompt: str, seed: int = 0) -> Picture:
        """The same for one picture, at once: a few milliseconds."""
        if not prompt.strip():
            raise UnsupportedEdit("the prompt is empty: say in words what to change")
        try:
            scene = decode(source)
        except ImageError as error:
            raise EditorFailed(f"the source is {error}", retryable=False) from error
        table = small.EDITORS if scene.world is SMALL else rates.EDITORS
        done = attempt(scene, prompt, seed, self.model, table[self.model])
        question = (self.model, digest(scene), seed, prompt)
        return Picture.from_pixels(damaged(done.scene, done.blocks, *question))
