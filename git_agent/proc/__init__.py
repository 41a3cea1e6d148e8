"""The only package that starts programs other than git: setup and check commands. Imports domain and errors."""
