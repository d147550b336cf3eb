//! A local PostgreSQL and a local chain as child processes that never outlive their parent.
