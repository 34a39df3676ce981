from __future__ import annotations

from pathlib import Path

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_the_page_shows_the_example_as_it_is() -> None:
    # The page runs it, in the tests of the documentation.
    example = (DOCS / "examples/ddas/fsc_chain.py").read_text("utf-8")
    page = (DOCS / "how-to/test-behind-fsc.md").read_text("utf-8")
    assert f"```python fsc_chain.py\n{example}```\n" in page
