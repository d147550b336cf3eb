// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

/// @title Stake of all operators together, as the stake vault counts it
interface IStakeTotals {
    /// @notice Active stake, stake-token base units.
    function totalAssets() external view returns (uint256);

    /// @notice Stake on its way out, stake-token base units.
    function totalThawing() external view returns (uint256);
}
