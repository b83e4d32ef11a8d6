"""What a test does without a program it needs: it is skipped here, and fails where CI is set."""

import os
import shutil

import pytest


def program(name, why):
    """Return the path of a program; without it skip with the reason, or fail where CI is set."""
    return shutil.which(name) or lacking(f"{name} is not installed: {why}")


def lacking(reason):
    """Skip the test for want of something, or fail it where CI is set."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
