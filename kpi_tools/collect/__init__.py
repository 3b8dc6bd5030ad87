"""How a council begins from its own workbook, and how a quarter is collected."""

import tomllib
from pathlib import Path
from typing import Any, Final

_SENTENCES: Final = tomllib.loads(Path(__file__).with_name("sentences.toml").read_text("utf-8"))


def message(sentence: str, /, **particulars: Any) -> str:
    """A sentence of sentences.toml, by its name."""
    return str(_SENTENCES[sentence].format(**particulars))
