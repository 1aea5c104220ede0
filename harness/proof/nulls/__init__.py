"""Null products: tiny programs that stand where a program of rbee should be, and do nothing for it.

Each module is the whole source of one; what it needs to know is written before it when it is put to use."""
