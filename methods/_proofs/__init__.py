"""What each method is held to (``<name>.py``) and what was found (``<name>.json``); see docs/proofs.md."""
