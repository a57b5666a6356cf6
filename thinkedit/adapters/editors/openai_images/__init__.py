"""The `openai-images` editor: any server that speaks OpenAI's images API."""

from thinkedit.adapters.editors.openai_images.editor import OpenAIImagesEditor

__all__ = ["OpenAIImagesEditor"]
