// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {PopCount} from "../../src/libraries/PopCount.sol";
import {Test} from "forge-std/Test.sol";

contract PopCountTest is Test {
    function _naive(uint256 word) private pure returns (uint256 count) {
        for (uint256 bit = 0; bit < 256; ++bit) {
            count += (word >> bit) & 1;
        }
    }

    function testFuzz_ItCountsAsOneCountsBitByBit(uint256 word) public pure {
        assertEq(PopCount.ones(word), _naive(word));
        assertEq(PopCount.ones(~word), 256 - _naive(word));
    }

    /// @dev A fuzzer's words have about half of their bits set; these have few or nearly all.
    function testFuzz_SparseAndDenseWordsToo(uint256[4] memory words) public pure {
        uint256 sparse = words[0] & words[1] & words[2] & words[3];
        assertEq(PopCount.ones(sparse), _naive(sparse));
        assertEq(PopCount.ones(~sparse), _naive(~sparse));
    }

    /// @dev From none to all, and all but each one: where a byte could overflow.
    function test_EveryRunOfOnesIsCounted() public pure {
        for (uint256 count = 0; count < 256; ++count) {
            assertEq(PopCount.ones((1 << count) - 1), count);
            assertEq(PopCount.ones(1 << count), 1);
            assertEq(PopCount.ones(~(1 << count)), 255);
        }
        assertEq(PopCount.ones(type(uint256).max), 256);
    }
}
