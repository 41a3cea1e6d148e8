"""One verb, one file, one public function, one frozen result. Never prints. Imports only app and layers below it."""
