"""The only package that imports peewee and contains SQL. Rows never leave it. It imports domain and errors."""
