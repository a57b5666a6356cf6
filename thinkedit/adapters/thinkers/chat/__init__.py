"""Thinkers behind an API: OpenAI, Anthropic, Gemini, Ollama, vLLM, SGLang and whatever LangChain reaches.

providers   what is different between the providers, as data
settings    the options of a block of the configuration, read and checked
pictures    pictures as a provider takes them: passed on as they are, or reduced
forms       JSON answers and guided decoding beside the three tags
connecting  a LangChain model for each endpoint and event loop
answers     text, tokens and reasons out of what came back
faults      what went wrong, in one line, and whether to try again
asking      one question: endpoints, waiting, trying again
reaching    whether the endpoints are there, without paying
thinker     `ChatThinker`                 safety      `ChatSafety`

LangChain is imported when the first question is asked.
"""

from thinkedit.adapters.thinkers.chat.safety import ChatSafety
from thinkedit.adapters.thinkers.chat.thinker import ChatThinker

__all__ = ["ChatSafety", "ChatThinker"]
