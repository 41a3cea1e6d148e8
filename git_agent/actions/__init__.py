"""One verb, one file, one public function, one frozen result. Never prints. Imports app and what is below it."""
