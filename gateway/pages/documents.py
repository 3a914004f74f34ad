"""What the pages ask, to the letter: shown to their scripts, and trusted wherever a list of documents is."""

import re
from pathlib import Path

FILE = Path(__file__).with_name("documents.graphql")
# By the names of their operations; one blank line stands between two.
DOCUMENTS = {re.split(r"\W", text)[1]: text for text in FILE.read_text(encoding="utf-8").strip().split("\n\n")}
TEXTS = frozenset(DOCUMENTS.values())
