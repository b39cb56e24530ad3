"""Pictures in, pixel art (or Monets) out: every step between, in one small package. See README.md."""

__version__ = "0.1.0"
