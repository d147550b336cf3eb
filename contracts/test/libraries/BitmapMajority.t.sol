// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {BitmapMajority} from "../../src/libraries/BitmapMajority.sol";
import {Test} from "forge-std/Test.sol";

contract BitmapMajorityTest is Test {
    function test_EveryCombinationOfSevenVotesIsCounted() public pure {
        // Bit n of vote i is bit i of n: the first 128 positions hold every combination there is.
        uint256[7] memory votes;
        uint256 expected = 0;
        for (uint256 combination = 0; combination < 128; ++combination) {
            uint256 count = 0;
            for (uint256 i = 0; i < 7; ++i) {
                uint256 vote = (combination >> i) & 1;
                votes[i] |= vote << combination;
                count += vote;
            }
            if (count >= 4) expected |= 1 << combination;
        }
        assertEq(BitmapMajority.majority(votes), expected);
    }

    function test_MajorityBeginsWithTheFourthVote() public pure {
        uint256[7] memory votes;
        for (uint256 i = 0; i < 7; ++i) {
            assertEq(BitmapMajority.majority(votes), i < 4 ? 0 : type(uint256).max);
            votes[i] = type(uint256).max;
        }
        assertEq(BitmapMajority.majority(votes), type(uint256).max);
    }

    function testFuzz_AgreesWithACountOfEachBit(uint256[7] memory votes, uint256 voters) public pure {
        voters = bound(voters, 0, 7);
        for (uint256 i = voters; i < 7; ++i) {
            votes[i] = 0;
        }
        assertEq(BitmapMajority.majority(votes), _naiveMajority(votes));
    }

    /// @dev Random words rarely agree; votes that share a pattern reach every count at every position.
    function testFuzz_AgreesWithACountOfEachBitWhenVotersMostlyAgree(uint256 pattern, uint256[7] memory noise)
        public
        pure
    {
        uint256[7] memory votes;
        for (uint256 i = 0; i < 7; ++i) {
            votes[i] = pattern ^ (noise[i] & (noise[i] >> 7));
        }
        assertEq(BitmapMajority.majority(votes), _naiveMajority(votes));
    }

    function _naiveMajority(uint256[7] memory votes) private pure returns (uint256 majority) {
        for (uint256 bit = 0; bit < 256; ++bit) {
            uint256 count = 0;
            for (uint256 i = 0; i < 7; ++i) {
                count += (votes[i] >> bit) & 1;
            }
            if (count >= 4) majority |= 1 << bit;
        }
    }
}
