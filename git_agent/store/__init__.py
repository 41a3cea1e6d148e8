"""The only package that imports peewee and knows SQL; rows never leave it. Imports domain and errors."""
