// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

/// @title Number of bits that are set in a word
/// @notice Bits are added in pairs, pairs in fours, fours in bytes, and the bytes by one multiplication.
library PopCount {
    uint256 private constant PAIRS = type(uint256).max / 3;
    uint256 private constant FOURS = type(uint256).max / 5;
    uint256 private constant BYTES = type(uint256).max / 17;
    uint256 private constant ONES = type(uint256).max / 255;

    /// @notice Bits set in `word`, 0 to 256.
    function ones(uint256 word) internal pure returns (uint256 count) {
        // The top byte of the product sums 32 bytes of at most eight each; all 256 would not fit in it.
        if (word == type(uint256).max) return 256;
        unchecked {
            word -= (word >> 1) & PAIRS;
            word = (word & FOURS) + ((word >> 2) & FOURS);
            word = (word + (word >> 4)) & BYTES;
            count = (word * ONES) >> 248;
        }
    }
}
