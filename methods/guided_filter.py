"""GFF under the name it had here before."""

from __future__ import annotations

from methods.gff import GFFMethod


class GuidedFilterMethod(GFFMethod):
    """See ``gff``."""

    name = "guided_filter"
