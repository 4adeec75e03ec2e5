"""Writes the first version of a plug-in: files that work as they are, with their test.

In a checkout a method or task becomes part of the project. Anywhere else the current folder becomes a package of
plug-ins, whose ``pyproject.toml`` says what it brings; the command line uses what the current folder declares.
"""

from __future__ import annotations

import datetime
import importlib
import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files as resources
from pathlib import Path
from string import Template
from typing import Any, Literal

from bench.errors import BenchError
from bench.files import PROJECT_ROOT, read_toml, write_atomic
from bench.plugin.kinds import METHODS, TASKS

Kind = Literal["method", "metric", "task", "package"]
Form = Literal["classical", "learned", "external"]

RESERVED = ("all", "create", "list", "new", "metrics")
"""Words of the command line and of the package ``methods``."""


@dataclass(frozen=True, slots=True)
class Written:
    """What ``bench new`` made.

    Attributes:
        files: written, or added to.
        next: commands to go on with.
    """

    files: tuple[Path, ...]
    next: tuple[str, ...]


def new_plugin(kind: Kind, name: str, folder: Path | None = None, form: Form = "classical") -> Written:
    """Writes a plug-in that keeps its contract at once, and its test.

    Args:
        kind: ``method``, ``metric``, ``task``, or ``package``: a folder of the name with one of each and a data set.
        name: lower case, digits and underscores, as the paper calls it; a metric's may have capitals.
        folder: a checkout of the project, or where the package is or shall be; default: the checkout that holds the
            current folder, else the current folder.
        form: of a method: ``classical``; ``learned`` (network, training, weights); ``external`` (a program).

    Raises:
        BenchError: not a possible name, one that is taken, a file that is there already, or a folder that belongs to
            something else.
    """
    _check_name(kind, name)
    root = (folder or _here()).absolute()
    if kind == "package":
        return _new_package(name, root / name)
    if (root / "methods" / "__init__.py").is_file():
        return _in_checkout(kind, name, root, form)
    texts, points = _in_package(kind, name, root, form)
    return _write(texts, points, root, _next(kind, name, form))


def _here() -> Path:
    here = Path.cwd()
    checkout = (PROJECT_ROOT / "pyproject.toml").is_file() and PROJECT_ROOT in (here.resolve(), *here.resolve().parents)
    return PROJECT_ROOT if checkout else here


# ------------------------------------------------------------------ where the files go


def _in_checkout(kind: Kind, name: str, root: Path, form: Form) -> Written:
    if kind == "metric":
        raise BenchError(
            f"{root} is a checkout of the project, whose metrics are formulas in bench/metrics with their facts in "
            "metric_facts.py (see CONTRIBUTING.md); for one of your own work in another folder, or give it as --folder"
        )
    package = f"{kind}s"
    facts = _facts(name, f"{package}.{name}", f"{package}._training.{name}")
    texts = {root / package / f"{name}.py": _text(f"method_{form}" if kind == "method" else kind, facts)}
    if form == "learned" and kind == "method":
        texts[root / package / "_training" / f"{name}.py"] = _text("training", facts)
    texts[root / "tests" / package / f"test_{name}.py"] = _test(kind, form, facts)
    return _write(texts, {}, root, _next(kind, name, form))


def _in_package(
    kind: Kind, name: str, root: Path, form: Form, package: str = ""
) -> tuple[dict[Path, str], dict[str, dict[str, str]]]:
    """The files of a plug-in in a package of plug-ins, and its entry point."""
    package = package or _package_of(root) or f"ivif_{name.lower()}"
    module = f"{package}.{name.lower()}" if kind != "metric" else f"{package}.{name.lower()}_metric"
    facts = _facts(name, module, f"{package}.{name.lower()}_training")
    texts = {_path(root, module): _text(f"method_{form}" if kind == "method" else kind, facts)}
    if form == "learned" and kind == "method":
        texts[_path(root, facts["training"])] = _text("training", facts)
    texts[root / "tests" / f"test_{name.lower()}.py"] = _test(kind, form, facts)
    if not (root / package / "__init__.py").exists():
        texts[root / package / "__init__.py"] = f'"""Plug-ins of ivif-bench: {name}."""\n'
    if not (root / "tests" / "conftest.py").exists():
        texts[root / "tests" / "conftest.py"] = _text("conftest", facts)
    return texts, {f"ivfbench.{kind}s": {name: module}}


def _new_package(name: str, root: Path) -> Written:
    """A folder with a method, a metric, a task and a data set."""
    if root.exists():
        raise BenchError(f"{root} exists already; choose another name, or remove it")
    package = f"ivif_{name}"
    texts: dict[Path, str] = {}
    points: dict[str, dict[str, str]] = {}
    metric, task, dataset = f"{name.upper()}_SPAN", f"{name}_level", f"{name}_set"
    for kind, each in (("method", name), ("metric", metric), ("task", task)):
        files, entry = _in_package(kind, each, root, "classical", package)  # type: ignore[arg-type]
        texts, points = {**files, **texts}, {**points, **entry}
    facts = _facts(dataset, "", "")
    texts[root / package / "datasets.yaml"] = _text("datasets.yaml", {**facts, "folder": facts["camel"]})
    points["ivfbench.datasets"] = {dataset: package}
    checks = f"cd {name}; bench check {name}; bench check metric {metric}; bench check task {task}"
    return _write(texts, points, root, (f"{checks}; bench check dataset {dataset}", f"pip install -e {name}"))


def _path(root: Path, module: str) -> Path:
    return root.joinpath(*module.split(".")).with_suffix(".py")


def _package_of(root: Path) -> str:
    """The Python package of a folder that ``bench new`` made; empty where there is no project yet.

    Raises:
        BenchError: the folder belongs to something else.
    """
    path = root / "pyproject.toml"
    if not path.is_file():
        return ""
    try:
        packages = read_toml(path)["tool"]["setuptools"]["packages"]
        return str(packages[0])
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        raise BenchError(
            f"{path}: names no package in [tool.setuptools] packages = [...]; work in an empty folder, or give one "
            "with --folder"
        ) from None


# ------------------------------------------------------------------ what stands in them


def _facts(name: str, module: str, training: str) -> dict[str, Any]:
    words = name.split("_")
    return {
        "name": name if name.islower() else name.lower(), "metric": name, "module": module, "training": training,
        "title": " ".join(words).capitalize() if name.islower() else " ".join(words),
        "camel": "".join(word.capitalize() for word in words),
        "year": datetime.datetime.now(tz=datetime.timezone.utc).year,
    }  # fmt: skip


def _text(template: str, facts: Mapping[str, Any]) -> str:
    text = (
        resources("bench.plugin") / "templates" / (template + ("" if "." in template else ".py") + ".txt")
    ).read_text(encoding="utf-8")
    return Template(text).substitute(facts)


def _test(kind: Kind, form: Form, facts: Mapping[str, Any]) -> str:
    return _text("method_learned_test" if (kind, form) == ("method", "learned") else f"{kind}_test", facts)


def _next(kind: Kind, name: str, form: Form) -> tuple[str, ...]:
    if kind == "method":
        train = [f"bench train {name} --dataset demo --preset smoke"] if form == "learned" else []
        return (f"bench check {name}", *train, f"bench run --methods {name} --datasets demo")
    run = f"--metrics EN,{name}" if kind == "metric" else f"--tasks metrics,{name}"
    return (f"bench check {kind} {name}", f"bench run --methods average --datasets demo {run}")


def _write(
    texts: Mapping[Path, str], points: Mapping[str, Mapping[str, str]], root: Path, following: tuple[str, ...]
) -> Written:
    for path in texts:
        if path.exists():
            raise BenchError(f"{path} exists already; choose another name, or remove it")
    for path, text in texts.items():
        write_atomic(path, text.encode())
    changed = [_declare(root, texts, points)] if points else []
    importlib.invalidate_caches()
    for registry in (METHODS, TASKS):
        registry.__dict__.pop("entries", None)  # it was listed before the new file was there
    return Written((*texts, *changed), following)


def _declare(root: Path, texts: Mapping[Path, str], points: Mapping[str, Mapping[str, str]]) -> Path:
    """Puts entry points into the ``pyproject.toml``, which is made where there is none."""
    path = root / "pyproject.toml"
    if path.is_file():
        text = path.read_text(encoding="utf-8")
    else:
        package = next(file.parent.name for file in texts if file.name == "__init__.py" and file.parent.parent == root)
        text = _text("pyproject.toml", {"project": package.replace("_", "-"), "package": package})
    for group, found in points.items():
        header = f'[project.entry-points."{group}"]\n'
        lines = "".join(f'{name} = "{module}"\n' for name, module in found.items())
        text = text.replace(header, header + lines) if header in text else f"{text.rstrip()}\n\n{header}{lines}"
    write_atomic(path, text.encode())
    return path


def _check_name(kind: Kind, name: str) -> None:
    wanted = r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*" if kind == "metric" else r"[a-z][a-z0-9]*(_[a-z0-9]+)*"
    if not re.fullmatch(wanted, name) or keyword.iskeyword(name):
        like = "'Qmine' or 'SPAN'" if kind == "metric" else "lower case like 'u2fusion' or 'mst_sr'"
        raise BenchError(f"{name!r} cannot be a {kind}'s name, wanted {like}")
    if len(name) > 40:
        raise BenchError(f"{name!r} has {len(name)} letters, wanted at most 40; tables have to hold it")
    if name in RESERVED:
        raise BenchError(f"{name!r} is a word of the command line; choose another name")
    entries = {} if kind == "metric" else TASKS.entries if kind == "task" else METHODS.entries
    if name in entries:
        raise BenchError(f"{kind} {name!r} exists already, in {entries[name].module}; choose another name")
