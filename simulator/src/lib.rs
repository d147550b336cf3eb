//! Operators, payers, probers and auditors as real clients of the contracts.
