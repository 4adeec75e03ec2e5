"""From datasets.yaml to a pair: what there is, where it lies, which pairs, their truth and their digests."""
