// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IPriceOracle} from "./IPriceOracle.sol";

/// @title Price of stake in fee tokens from a feed, held down by its own average
/// @notice Anyone writes observations of the feed down, at most one an interval; their time-weighted average over the window
///         bounds the price from above, so that a spot price pumped for an hour covers nothing more. Prices are fee-token
///         base units for 1e18 stake-token base units.
/// @dev The average takes each observation as the price until the next, for at most two intervals: silence gives none of
///      them more weight. It is complete when what is so weighed makes up half of the window. The newest observation has
///      no weight yet, so that who writes it gains nothing by it.
interface IFeedPriceOracle is IPriceOracle {
    /// @notice An answer of the feed was written down; `average` and `complete` are as of now.
    event PriceObserved(uint256 price, uint256 average, bool complete);

    /// @notice Answers come from another feed, or may be older. Zero-valued before, at deployment.
    /// @param maxAge Seconds an answer may be old to admit new risk by.
    event FeedChanged(address indexed previous, address indexed current, uint32 previousMaxAge, uint32 maxAge);

    /// @notice Emitted once, at deployment. `window` in seconds.
    event PriceOracleConfigured(address stakeToken, address feeToken, uint32 window);

    error PriceOracle_ZeroAddress();
    error PriceOracle_OutOfRange(bytes32 name, uint256 value, uint256 min, uint256 max);
    error PriceOracle_NoAnswer(address feed);
    error PriceOracle_ObservedRecently(uint256 notBefore);

    /// @notice Observations that are kept.
    function OBSERVATIONS() external view returns (uint32);

    /// @notice Seconds that the average is over.
    function WINDOW() external view returns (uint32);

    /// @notice Least seconds between two observations: a part of the window for each.
    function INTERVAL() external view returns (uint32);

    /// @notice Writes the feed's answer down. Anyone may call, once an interval; the answer must be fresh.
    function update() external;

    /// @notice Takes answers from another feed, which must have one. Observations stay. Restricted.
    /// @param maxAge Seconds an answer may be old: the feed's heartbeat and some slack, 1 minute to 7 days.
    function changeFeed(address feed, uint32 maxAge) external;

    /// @notice Where answers come from, and how old they may be.
    function feed() external view returns (address current, uint32 maxAge);

    /// @notice The time-weighted average as of the last observation.
    function average() external view returns (uint256 price, uint64 observedAt, bool complete);
}
