"""Series, bands, evaluation, backtests and charts (pure)."""
