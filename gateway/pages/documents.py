"""The GraphQL documents of the landing pages, which GATEWAY_TRUSTED_DOCUMENTS always includes."""

import re
from pathlib import Path

FILE = Path(__file__).with_name("documents.graphql")
# By operation name. A blank line separates two documents.
DOCUMENTS = {re.split(r"\W", text)[1]: text for text in FILE.read_text(encoding="utf-8").strip().split("\n\n")}
TEXTS = frozenset(DOCUMENTS.values())
