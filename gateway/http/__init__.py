"""HTTP: what surrounds every request, and the plain views."""
