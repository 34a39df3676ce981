from __future__ import annotations

from pathlib import Path

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_the_page_shows_the_example_as_it_is() -> None:
    # The page runs it, in the tests of the documentation.
    example = (DOCS / "examples/ddas/provider.py").read_text("utf-8")
    page = (DOCS / "how-to/run-a-ddas-provider.md").read_text("utf-8")
    assert f"```python provider.py\n{example}```\n" in page
