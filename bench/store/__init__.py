"""What a run leaves: its folder, journals, score table, manifest and pack; the only room that spells a path."""
