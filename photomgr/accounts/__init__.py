"""Who signs in, from where and how often, and what staff do to things of others."""
