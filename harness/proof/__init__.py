"""Proof that green means something: docs/proof.md."""
