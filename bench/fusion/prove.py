"""Runs the proofs: every method against every reference that is at hand, and against what the repository ships.

A row of the result is one method or variant against one source. ``ok`` is False where a bar is missed or a known answer
differs, None where the source cannot be had here (the recorded result is shown then) or another program made it.
"""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from packaging.version import Version

from bench import colour, images
from bench.data.spec import load_datasets
from bench.errors import BenchError
from bench.fusion import answers, formula_cases
from bench.fusion.agreement import PairAgreement, compare
from bench.fusion.formula_cases import Case, CaseResult
from bench.fusion.harness import Fuser
from bench.fusion.proof_bars import bar_of, extremes, in_words, passes, reaches, settings_for, with_settings
from bench.fusion.proof_facts import write_facts
from bench.fusion.proof_fetch import Say, fetch_references, fetch_weights
from bench.fusion.proof_places import Places
from bench.fusion.references import FORMULA, Reference, find_references, level_of, plain
from bench.fusion.undecided import fuse_as
from bench.plugin.kinds import METHODS
from bench.plugin.method import Method
from bench.plugin.proof import (
    Bar,
    Proof,
    Proofs,
    Record,
    base_name,
    declared,
    facts,
    recorded,
)
from bench.types import Image
from bench.weights.find import WeightsMissing, resolve
from bench.weights.formula import read_formula

PILLOW = version("pillow")
RESIZES_AS_THEN = Version(PILLOW) >= Version("13")
"""Whether ``resize`` of a proof gives the pixels that its references were made from; before, 1 in 30 was another."""


def prove(
    names: Sequence[str] = (), *, reference: Path | None = None, data_root: Path | None = None,
    weights_root: Path | None = None, record: bool = False, fetch: bool = False, say: Say = lambda _: None,
) -> list[Record]:  # fmt: skip
    """Proves methods, each with its variants.

    Args:
        names: methods or variants; none means all.
        reference: folder of reference images; None: only what the repository ships.
        data_root: of the sources.
        weights_root: of published weights.
        record: write what was found beside the methods, where nothing is false.
        fetch: get weights that are not here, and without ``reference`` published images, by address and checksum.
        say: called with the name of each source before it is compared.

    Raises:
        BenchError: an unknown name, or a folder that holds nothing.
    """
    chosen = _chosen(names)
    rows: list[Record] = []
    with tempfile.TemporaryDirectory() as work:
        labels = [label for cls in chosen for label in _labels(cls, declared(cls))]
        if fetch:
            fetch_weights(chosen, weights_root, say)
            reference = reference or fetch_references(labels, say)
        references = find_references(reference, labels) if reference else []
        places = Places(Path(work), reference, references, data_root, weights_root)
        for cls in chosen:
            own = MethodProof(cls, places, say, record)
            found = own.rows()
            rows += found
            if record:
                write_facts(own, found)
    return rows


def _chosen(names: Sequence[str]) -> list[type[Method]]:
    wanted = [name for asked in names for name in ([asked] if ":" in asked else [asked, *METHODS.variants(asked)])]
    classes = [METHODS.get(name) for name in (wanted or METHODS.everything())]
    return [cls for cls in dict.fromkeys(classes) if cls.info.kind != "reference"]


def _labels(cls: type[Method], proofs: Proofs) -> set[str]:
    """What reference folders call a method or variant, plain."""
    return {plain(label) for label in (cls.info.title, cls.name, *proofs.labels.get(cls.variant, ()))}


def _is_case(proof: Proof, reference: Reference) -> bool:
    title = plain(read_formula(proof.formula).title)
    return plain(reference.label) == title and reference.pair.endswith(proof.suffix)


class MethodProof:
    """One method or variant, with its weights and known answers."""

    def __init__(self, cls: type[Method], places: Places, say: Say = lambda _: None, recording: bool = False) -> None:
        """Takes what is at hand; ``recording`` leaves the known answers out, which are made anew then."""
        self.cls, self.places, self.say, self.recording = cls, places, say, recording
        self.all = declared(cls)
        self.proofs = [proof for proof in self.all.proofs if proof.variant == cls.variant]
        self._answers: dict[str, float | None] = {}

    def rows(self) -> list[Record]:
        """One for each source that is at hand or recorded."""
        rows = [self._against(source, label, files) for (source, label), files in self._groups().items()]
        seen = {row.against for row in rows}
        for old in recorded(self.cls):
            if old.against not in seen:
                rows.append(self._without_reference(old))
                seen.add(old.against)
        formulas = [proof for proof in self.proofs if proof.formula]
        if formulas and not any(row.level == "formula weights" for row in rows):
            rows.append(self._shipped(formulas[0], Record(self.cls.name, "shipped facts", "formula weights", 0)))
        return rows or [Record(self.cls.name, "", "none", 0, ok=False if self._answers_wrong() else None)]

    # ---------------------------------------------------------------- finding

    def _groups(self) -> dict[tuple[str, str], list[Reference]]:
        groups: dict[tuple[str, str], list[Reference]] = {}
        for reference in self.places.references:
            if self._is_mine(reference):
                groups.setdefault((reference.source, reference.label), []).append(reference)
        return groups

    def _is_mine(self, reference: Reference) -> bool:
        """By the label; a variant also takes what only it declares a proof for, under its method's label."""
        label = plain(reference.label)
        if reference.source == FORMULA:
            return any(_is_case(proof, reference) for proof in self.proofs if proof.formula)
        if "/" in reference.source and reference.dataset not in load_datasets():
            return False
        owners = {proof.variant for proof in self.all.proofs if proof.source == reference.source}
        if not self.cls.variant:
            return label in _labels(self.cls, self.all) and (not owners or "" in owners)
        if label in _labels(self.cls, self.all):
            return True
        return owners == {self.cls.variant} and label in _labels(METHODS.get(base_name(self.cls)), self.all)

    def _proof_for(self, source: str) -> Proof:
        own = next((proof for proof in self.proofs if proof.source == source), None)
        return own or Proof(source, Bar(), level_of(source), self.cls.variant, judged=False, note="no bar declared")

    # ---------------------------------------------------------------- comparing

    def _against(self, source: str, label: str, files: list[Reference]) -> Record:
        proof = self._proof_for(source)
        against = f"{source}/{label}" + (f" {proof.suffix}" if proof.suffix else "")
        row = Record(self.cls.name, against, proof.level, len(files), note=proof.note)
        self.say(f"{self.cls.name} against {against}")
        if proof.resize and not RESIZES_AS_THEN:
            return self._remembered(row, f"its sources were resized by Pillow 13, whose pixels {PILLOW}'s differ from")
        try:
            if source == FORMULA:
                return self._judged(proof, row, list(self._formula_results(proof, files)))
            weights = self.weights(proof)
            return self._judged(proof, row, list(self._image_results(proof, files, weights)))
        except WeightsMissing as error:
            return self._remembered(row, str(error).partition(";")[0])
        except BenchError as error:
            return replace(row, ok=False, note=str(error))

    def weights(self, proof: Proof | None = None) -> Path | None:
        """The published weights, or those that a formula proof fills.

        Raises:
            WeightsMissing: they are not here.
        """
        if proof is not None and proof.formula:
            folder = self.places.work / self.cls.name
            target = folder / f"{proof.formula}.safetensors"
            return target if target.is_file() else formula_cases.formula_weights(self.cls, proof, folder)
        return resolve(self.cls, self.places.weights_root).path

    def _image_results(
        self, proof: Proof, files: Sequence[Reference], weights: Path | None
    ) -> Iterator[tuple[str, PairAgreement | None]]:
        fusers: dict[int, Fuser] = {}
        for reference in files:
            pair = self._sources(reference)
            if pair is None:
                yield reference.pair, None
                continue
            if proof.resize == "floor16":
                height, width = (length // 16 * 16 for length in pair[1].shape[:2])
                pair = (
                    colour.resize(pair[0], (height, width), "pillow"),
                    colour.resize(pair[1], (height, width), "pillow"),
                )
            best: PairAgreement | None = None
            for key, settings in settings_for(proof, reference.pair):
                if key not in fusers:
                    fusers[key] = Fuser(with_settings(self.cls, settings)(weights, "cpu"))
                wanted = images.read_image(reference.path)
                fused, undecided = fuse_as(fusers[key], pair, wanted, proof.grey)
                seen = replace(compare(reference.pair, fused, reference.path), undecided=undecided)
                best = seen if best is None or seen.psnr > best.psnr else best
                if reaches(seen, bar_of(proof, reference.pair)):
                    break
            yield reference.pair, best

    def _sources(self, reference: Reference) -> tuple[Image, Image] | None:
        if reference.sources is not None:
            ir, vis = (images.read_image(path) for path in reference.sources)
            return ir, vis
        return self.places.source(reference.dataset, reference.pair)

    def _formula_results(self, proof: Proof, files: Sequence[Reference]) -> Iterator[tuple[str, CaseResult | None]]:
        fuser = self._formula_fuser(proof)
        for reference in files:
            case = self.places.case(reference.pair, proof.suffix)
            pair = None if case is None else self.places.cut(case)
            if pair is None:
                yield reference.pair, None
            else:
                yield reference.pair, formula_cases.against_file(fuser, proof, pair, reference.path, reference.pair)

    def _formula_fuser(self, proof: Proof) -> Fuser:
        method = with_settings(self.cls, proof.settings)(self.weights(proof), "cpu")
        return Fuser(method, authors_size=True)

    def _judged(
        self, proof: Proof, row: Record, results: Sequence[tuple[str, PairAgreement | CaseResult | None]]
    ) -> Record:
        done = {pair: result for pair, result in results if result is not None}
        if not done:
            return self._remembered(row, "its sources are not under --data-root")
        pairs = {pair: result.image if isinstance(result, CaseResult) else result for pair, result in done.items()}
        errors = [result.error for result in done.values() if isinstance(result, CaseResult)]
        below = [pair for pair, result in done.items() if not passes(result, bar_of(proof, pair))]
        notes = [proof.note] if proof.note else []
        if len(done) < len(results):
            notes.append(f"{len(results) - len(done)} without sources here")
        if below and proof.judged:
            notes.append(f"below the bar: {', '.join(in_words(pair, pairs[pair], done[pair]) for pair in below[:4])}")
        undecided = sum(pair.undecided for pair in pairs.values() if pair is not None)
        if undecided:
            notes.append(f"{undecided} {'pixel' if undecided == 1 else 'pixels'} within a thousandth level of a wrap")
        wrong = self._answer_error("formula" if proof.formula else "published")
        if wrong is not None and not wrong <= answers.tolerance(self.cls):
            notes.append(f"the known answer is off by {wrong:.1e} of its range")
        ok = not below and (wrong is None or wrong <= answers.tolerance(self.cls))
        return replace(
            row, **extremes([pair for pair in pairs.values() if pair is not None]),
            relative_error=max(errors, default=None), ok=ok if proof.judged else None, date=_today(),
            note="; ".join(notes),
        )  # fmt: skip

    # ---------------------------------------------------------------- without references

    def _without_reference(self, old: Record) -> Record:
        """A recorded row: formula cases are proven by shipped facts, others shown as they were found."""
        proof = next((proof for proof in self.proofs if proof.formula and old.level == "formula weights"), None)
        if proof is not None:
            return self._shipped(proof, old)
        row = replace(old, ok=None, note="; ".join(filter(None, [old.note, f"recorded {old.date}"])))
        return replace(row, ok=False, note="the known answer differs") if self._answers_wrong() else row

    def _shipped(self, proof: Proof, row: Record) -> Record:
        """The port filled by the rule, against shipped values of the made pair and of cases whose inputs are here."""
        self.say(f"{self.cls.name} against shipped values")
        try:
            fuser = self._formula_fuser(proof)
            worst = self._answer_error("formula")
        except BenchError as error:
            return replace(row, ok=False, note=str(error))
        errors = []
        for name, shipped in facts(self.cls).get("formula", {}).get(self.cls.name, {}).items():
            pair = self.places.cut(formula_cases.case_of(shipped))
            if pair is not None:
                errors.append((formula_cases.against_facts(fuser, proof, pair, shipped).error, name))
        good = all(error <= (proof.bar.relative_error or 0.0) for error, _ in errors)
        known = worst is not None and worst <= answers.tolerance(self.cls)
        what = f"{len(errors)} cases" if errors else "the made pair"
        note = f"against shipped values of {what}" + (f", recorded {row.date}" if row.date else "")
        ok = None if worst is None and not errors else good and (worst is None or known)
        return replace(row, relative_error=max(errors, default=(row.relative_error, ""))[0], ok=ok, note=note)

    def _remembered(self, row: Record, why: str) -> Record:
        old = next((old for old in recorded(self.cls) if old.against == row.against), None)
        if old is None:
            return replace(row, ok=None, note=why)
        ok = False if self._answers_wrong() else None
        return replace(old, pairs=row.pairs, ok=ok, note=f"recorded {old.date}; {why}")

    def _answers_wrong(self) -> bool:
        """Whether a known answer that can be tried here differs."""
        errors = [self._answer_error(kind) for kind in ("published", "formula")]
        return any(error is not None and not error <= answers.tolerance(self.cls) for error in errors)

    def _answer_error(self, kind: str) -> float | None:
        """How far the float64 output on the made pair is from the recorded one; None where none is, or no weights."""
        if kind not in self._answers:
            wanted = facts(self.cls).get("answers", {}).get(f"{self.cls.name} {kind}")
            self._answers[kind] = None
            if wanted is not None and not self.recording:
                with suppress(WeightsMissing):
                    self._answers[kind] = answers.difference(self.cls, self.answer(kind), wanted)
        return self._answers[kind]

    def cases_here(self) -> dict[str, tuple[Case, Path]]:
        """The reference outputs of its formula cases, each with its input."""
        found = {}
        for reference in self.places.references:
            if reference.source == FORMULA and self._is_mine(reference):
                suffix = next(proof.suffix for proof in self.proofs if proof.formula and _is_case(proof, reference))
                case = self.places.case(reference.pair, suffix)
                if case is not None:
                    found[reference.pair] = (case, reference.path)
        return found

    def answer(self, kind: str) -> dict[str, Any]:
        """The known answer with published or formula weights, made now.

        Raises:
            WeightsMissing: the published ones are not here.
        """
        proof = next((proof for proof in self.proofs if proof.formula), None) if kind == "formula" else None
        if kind == "formula" and proof is None:
            raise WeightsMissing(f"{self.cls.name}: no formula weights are declared")
        return answers.answer(self.cls, self.weights(proof))


def _today() -> str:
    return datetime.date.today().isoformat()
