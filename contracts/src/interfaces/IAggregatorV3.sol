// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

/// @title What is read of a Chainlink-compatible price feed
interface IAggregatorV3 {
    /// @notice Decimals of the answers.
    function decimals() external view returns (uint8);

    /// @notice The newest answer. One whose `updatedAt` is zero, or which was carried over from an earlier round
    ///         (`answeredInRound < roundId`), is incomplete.
    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
}
