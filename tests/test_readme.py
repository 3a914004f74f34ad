"""The README's examples: every document it shows is executed, and answers as it says."""

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests import post
from tests.api import Api

README = (Path(__file__).parent.parent / "README.md").read_text()
RECIPES = Path(__file__).parent / "clients" / "recipes"
EXAMPLES = re.findall(r"```graphql\n(.+?)```\s+```json\n(.+?)```", README, re.DOTALL)

# `<token mailed to …>`, `<code mailed to …>`: of the newest mail to an address.
MAILED = re.compile(r"<(token|code) mailed to (\S+)>")


def alike(shown: Any, real: Any) -> bool:
    """Whether a real answer is the shown one; texts cut short with … and numbers may differ."""
    if isinstance(shown, dict):
        return shown.keys() == real.keys() and all(alike(shown[name], real[name]) for name in shown)
    if isinstance(shown, list):
        return len(shown) == len(real) and all(map(alike, shown, real))
    if isinstance(shown, str) and shown.endswith("…"):
        return isinstance(real, str) and len(real) >= len(shown)
    return type(shown) is type(real) and (shown == real or (type(shown) is int and shown > 1_000_000_000))


def test_every_example_of_the_readme_answers_as_it_says(api: Api) -> None:
    assert len(EXAMPLES) >= 10
    token = refresh_token = None
    for document, shown in EXAMPLES:
        document = MAILED.sub(lambda asked: getattr(post.last(asked[2]), asked[1]), document)
        answer = api(document.replace("<refreshToken>", refresh_token or ""), token=token).json
        assert alike(orjson.loads(shown), answer), (document, answer)
        for grant in (answer["data"] or {}).values():
            token, refresh_token = (grant or {}).get("token", token), (grant or {}).get("refreshToken", refresh_token)


FENCES = {".ts": "ts", ".mjs": "js", ".py": "python", ".yaml": "yaml", ".conf": "nginx"}
SHOWN = sorted(file for file in RECIPES.iterdir() if file.suffix in FENCES)


@pytest.mark.parametrize("recipe", SHOWN, ids=lambda file: file.name)
def test_the_readme_shows_the_recipe_that_the_tests_run(recipe: Path) -> None:
    assert f"```{FENCES[recipe.suffix]}\n{recipe.read_text().rstrip()}\n```" in README
