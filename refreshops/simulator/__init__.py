"""A fake Flinks on its own port; it imports nothing of ours: no misunderstanding is shared."""
