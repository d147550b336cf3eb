// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

/// @title Seeds from a source that is fixed before what they decide
interface IRandomness {
    /// @dev `Pending`: not known yet. `Ready`: known. `Expired`: can never become known here; who depends on it must assume
    ///      the worst for whoever could have made it known.
    enum Status {
        Pending,
        Ready,
        Expired
    }

    /// @notice The round that seeds what was committed at this time and block; it is not known to anybody then.
    function roundFor(uint64 timestamp, uint64 blockNumber) external view returns (uint64 round);

    /// @notice State and value of a round; the value is zero unless `Ready`.
    function seed(uint64 round) external view returns (Status status, bytes32 value);

    /// @notice True when one party can bias a round by one bit, so that probabilities `p` must be raised to `√p`.
    function biasable() external view returns (bool);
}
