"""What things cost, as ratios to F: one `python -c "import flask"`. Written to docs/performance.md by scripts/bench."""
