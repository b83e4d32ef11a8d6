from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2(Argon2PasswordHasher):
    """Argon2id as OWASP recommends it: Django's 100 MB are gigabytes when many sign in at once."""

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1
