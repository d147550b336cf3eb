//! Serves the rows as JSON over HTTP.
