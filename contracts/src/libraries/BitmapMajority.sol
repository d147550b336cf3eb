// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

/// @title Majority of seven bitmaps, 256 votes at a time
/// @notice Every bit position is counted by full adders over whole words. Seven votes make a number of three binary
///         digits, and "four or more" is the highest of them.
library BitmapMajority {
    /// @notice Positions at which four or more of the bitmaps are set. Votes that were not cast are zero.
    function majority(uint256[7] memory votes) internal pure returns (uint256 fours) {
        (uint256 sumA, uint256 carryA) = _add(votes[0], votes[1], votes[2]);
        (uint256 sumB, uint256 carryB) = _add(votes[3], votes[4], votes[5]);
        (, uint256 carryC) = _add(sumA, sumB, votes[6]);
        (, fours) = _add(carryA, carryB, carryC);
    }

    /// @dev Adds three bits at each position: `a + b + c = 2 * carry + sum`.
    function _add(uint256 a, uint256 b, uint256 c) private pure returns (uint256 sum, uint256 carry) {
        uint256 either = a ^ b;
        sum = either ^ c;
        carry = (a & b) | (either & c);
    }
}
