//! Follows the chain and writes its events as rows.
