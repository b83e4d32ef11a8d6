"""CloudWatch's own rules, definitions, costs and plans (pure)."""
