"""What a published result holds, for machines: Croissant metadata of its score tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.files import VERSION
from bench.store.pack import SCORES, sha256
from bench.types import SCORE_COLUMNS

ADDRESS = "https://github.com/ivif-bench/ivif-bench"
LICENCE = "https://www.apache.org/licenses/LICENSE-2.0"

ABOUT = {
    "task": "what judged the images: metrics, detection, ...",
    "dataset": "name of the data set",
    "split": "part of the data set",
    "method": "what fused the images",
    "pair": "id of the pair; empty for a number of the whole set",
    "metric": "name of the number",
    "convention": "which of the field's definitions the number follows",
    "label": "class of the object, or all",
    "value": "the number",
    "status": "ok, skipped or failed",
    "reason": "why there is no value",
}


def library() -> Any:
    """The package ``mlcroissant``.

    Raises:
        BenchError: it is not installed.
    """
    try:
        import mlcroissant
    except ImportError as error:
        raise BenchError(
            f"a published result needs mlcroissant for its metadata ({error}); pip install 'ivif-bench[publish]'"
        ) from error
    return mlcroissant


def metadata(protocol: str, archives: Sequence[Path], date: str) -> bytes:
    """Croissant 1.0 as JSON-LD: each pack, the score table in it, and its columns.

    Args:
        protocol: of the numbers; the version of the result.
        archives: packs.
        date: when the last run ended, ISO 8601.

    Raises:
        BenchError: mlcroissant is not installed.
    """
    mlc = library()
    distribution: list[Any] = []
    records: list[Any] = []
    for path in archives:
        table = f"{path.stem}-scores"
        distribution += [
            mlc.FileObject(
                id=path.name, name=path.name, content_url=path.name, encoding_formats=["application/zip"],
                content_size=f"{path.stat().st_size} B", sha256=sha256(path.read_bytes()),
            ),
            mlc.FileObject(
                id=f"{table}.csv", name=f"{table}.csv", content_url=SCORES, contained_in=[path.name],
                encoding_formats=["text/csv"],
            ),
        ]  # fmt: skip
        records.append(mlc.RecordSet(id=table, name=table, fields=[_field(mlc, table, name) for name in SCORE_COLUMNS]))
    found = mlc.Metadata(
        name=f"ivif-bench-{protocol.replace('.', '-')}",
        description="Scores of infrared-visible image fusion: every metric of every pair in a named convention.",
        url=f"{ADDRESS}/tree/main/results/{protocol}",
        license=[LICENCE],
        version=f"{protocol}.0",
        date_published=datetime.fromisoformat(date),
        cite_as=f"The ivif-bench maintainers, ivif-bench {VERSION}, result {protocol}, {ADDRESS}",
        distribution=distribution,
        record_sets=records,
    )
    return (json.dumps(found.to_json(), indent=1, default=str) + "\n").encode()


def _field(mlc: Any, table: str, name: str) -> Any:
    kind = mlc.DataType.FLOAT if name == "value" else mlc.DataType.TEXT
    source = mlc.Source(file_object=f"{table}.csv", extract=mlc.Extract(column=name))
    place = f"{table}/{name}"
    return mlc.Field(id=place, name=place, description=ABOUT[name], data_types=[kind], source=source)
