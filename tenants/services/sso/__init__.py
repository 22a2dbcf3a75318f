"""A company's own provider: who may come in by it, and as what."""
