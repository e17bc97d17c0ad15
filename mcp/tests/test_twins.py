"""What this service has in common with the backend, though they are built from folders that share nothing."""

from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_server_is_the_backends() -> None:
    """serving.py is one file in two images; the backend's tests test it for both."""
    here = (ROOT / "mcp/src/todo_mcp/serving.py").read_text()

    assert here == (ROOT / "backend/src/todo_backend/serving.py").read_text()


def test_both_images_are_listed_by_one_script() -> None:
    """scripts/sbom.py is one file in two contexts; the backend's tests test it for both."""
    assert (ROOT / "mcp/scripts/sbom.py").read_text() == (ROOT / "backend/scripts/sbom.py").read_text()


def test_both_images_begin_with_one_layer() -> None:
    """Stages up to the packages are equal, so their layer is built, kept and sent to a node once."""
    here, there = ((ROOT / f"dockerfiles/{name}.Dockerfile").read_text() for name in ("mcp", "backend"))
    begin, end = "FROM ${PYTHON_IMAGE} AS runtime", "# Our own sources"

    assert here[here.index(begin) : here.index(end)] == there[there.index(begin) : there.index(end)]
