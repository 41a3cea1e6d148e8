"""The queries of the store, in peewee. `make docs` prints them into store/statements.py, which commands import instead.

Importing peewee takes 24 ms and building the queries of a `list` 10, as much as everything else that it does in Python.
Each upper-case name of a module here is a query, and becomes a text of the same name. A value that a command knows is a
parameter, `:task`, and a list of values is `:*tasks`; see sql.expanded.
"""
