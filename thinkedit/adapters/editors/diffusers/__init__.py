"""The editor `diffusers`: editing pipelines in this process, on a GPU, or on the CPU where they are small."""

from thinkedit.adapters.editors.diffusers.editor import DiffusersEditor

__all__ = ["DiffusersEditor"]
