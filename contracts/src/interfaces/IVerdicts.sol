// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

/// @title How a case can end
interface IVerdicts {
    /// @dev `None`: not yet. `Passed`: the receipt is right. `Failed`: it is wrong. `Inconclusive`: nobody could tell, and
    ///      nobody pays. `Withheld`: the receipt was not shown in time. `Voided`: the receipt was a planted canary.
    enum Verdict {
        None,
        Passed,
        Failed,
        Inconclusive,
        Withheld,
        Voided
    }
}
