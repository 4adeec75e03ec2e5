"""Pydantic models that take nothing they do not know."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict


class Strict(BaseModel):
    """A frozen model that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def inside(path: str) -> str:
    """Refuses what would lead out of its folder: data set files come from strangers too."""
    parts = PurePosixPath(path).parts
    if not path or path.startswith(("/", "\\")) or ".." in parts or "\\" in path or ":" in "".join(parts[:1]):
        raise ValueError("wanted a relative path with forward slashes and without '..'")
    return path


def beside(path: str) -> str:
    """As ``inside``, but one leading ``../`` may lead to a folder that lies beside this one."""
    inside(path.removeprefix("../"))
    return path


RelativePath = Annotated[str, AfterValidator(inside)]
NearPath = Annotated[str, AfterValidator(beside)]
