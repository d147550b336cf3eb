// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

/// @title Price of stake in fee tokens, for collateral
/// @notice Neither function ever reverts: what was admitted must be released whatever becomes of the price.
interface IPriceOracle {
    /// @notice The lower of spot and time-weighted average price.
    /// @return price Fee-token base units for 1e18 stake-token base units, rounded down; the last known one when stale.
    /// @return fresh False when the answer is too old to admit new risk by.
    function collateralPrice() external view returns (uint256 price, bool fresh);

    /// @notice Fall of the spot price below the time-weighted average, basis points of the average; zero when above.
    function fallBps() external view returns (uint256);
}
