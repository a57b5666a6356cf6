"""The thinker `transformers`: a vision-language model in this process."""

from thinkedit.adapters.thinkers.transformers.thinker import TransformersThinker

__all__ = ["TransformersThinker"]
