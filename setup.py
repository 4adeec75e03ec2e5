"""Puts ``datasets.yaml``, whose place is the root of the project, into the wheel beside the code that reads it."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithDatasets(build_py):
    """Copies the file into the package; an editable install reads it at the root."""

    def run(self) -> None:
        super().run()
        if not getattr(self, "editable_mode", False):
            target = Path(self.build_lib) / "bench" / "data" / "datasets.yaml"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(Path(__file__).with_name("datasets.yaml").read_bytes())


setup(cmdclass={"build_py": BuildWithDatasets})
