"""Cuts off the clock's page."""

import os

os.truncate(f"{os.environ['RBEE_CLOCK'].removesuffix('.sock')}.page", 0)
