//! End-to-end tests of the main job on real parts: see `tests/`. Nothing to import.
