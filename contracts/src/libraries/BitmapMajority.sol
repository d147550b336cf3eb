// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

/// @title Majority of up to seven bitmaps, 256 votes at a time
/// @notice Each bit position is counted by a carry-save adder over whole words: three words hold the binary digits of all
///         256 counters. With at most seven votes, "four or more" is the highest digit.
library BitmapMajority {
    /// @dev Binary digits of 256 counters: counter i is `4 * fours[i] + 2 * twos[i] + ones[i]`.
    struct Counter {
        uint256 ones;
        uint256 twos;
        uint256 fours;
    }

    /// @notice Adds one vote for every set bit. The eighth vote on a position would be lost: callers add at most seven.
    function add(Counter memory counter, uint256 votes) internal pure {
        uint256 carry = counter.ones & votes;
        counter.ones ^= votes;
        votes = counter.twos & carry;
        counter.twos ^= carry;
        counter.fours |= votes;
    }

    /// @notice Positions with four votes or more.
    function majority(Counter memory counter) internal pure returns (uint256) {
        return counter.fours;
    }
}
