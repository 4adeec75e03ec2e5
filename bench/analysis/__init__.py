"""From score rows to statements: means, ranks, tests, intervals, two runs compared, packs verified."""
